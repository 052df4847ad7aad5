namespace Berth.Cli.Servers;

/// <summary>The program <c>berth-node</c> that came with this command.</summary>
internal static class NodeProgram
{
    private const string Name = "berth-node";

    /// <summary>For installations that keep it elsewhere.</summary>
    public const string Variable = "BERTH_NODE_PROGRAM";

    /// <summary>Where a node keeps everything, unless it is told another folder.</summary>
    public static string DataFolder(Surroundings here, string? named) =>
        named is not null ? Path.GetFullPath(named, here.WorkingFolder) : Path.Combine(Path.GetDirectoryName(here.DataFolder)!, Name);

    /// <exception cref="CliException">It is not installed.</exception>
    public static string Require(Surroundings here)
    {
        if (here.Variable(Variable) is { } named)
            return File.Exists(named) ? Path.GetFullPath(named, here.WorkingFolder) : throw CliException.Usage($"{Variable} is '{named}', and there is no such file.");
        string[] places = [Name, Path.Combine("node", Name)];
        return places.Select(place => Path.Combine(AppContext.BaseDirectory, place)).FirstOrDefault(File.Exists)
            ?? throw new CliException(ExitCodes.Error, $"The program {Name} is not beside this command ({AppContext.BaseDirectory}): install Berth again, or set {Variable} to the program.");
    }
}
