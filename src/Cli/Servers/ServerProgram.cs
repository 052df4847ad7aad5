namespace Berth.Cli.Servers;

/// <summary>The program <c>berth-server</c> that came with this command.</summary>
internal static class ServerProgram
{
    private const string Name = "berth-server";

    /// <summary>For installations that keep it elsewhere.</summary>
    public const string Variable = "BERTH_SERVER_PROGRAM";

    public static string Missing { get; } =
        $"No Berth server is set up, and the program {Name} is not beside this command ({AppContext.BaseDirectory}). "
        + $"Sign in to a server with `berth login URL`, or set {Variable} to the program.";

    /// <summary>Null: it is not installed.</summary>
    public static string? Find(Surroundings here)
    {
        if (here.Variable(Variable) is { } named)
            return File.Exists(named) ? Path.GetFullPath(named, here.WorkingFolder)
                : throw CliException.Usage($"{Variable} is '{named}', and there is no such file.");
        string[] places = [Name, Path.Combine("server", Name)];
        return places.Select(place => Path.Combine(AppContext.BaseDirectory, place)).FirstOrDefault(File.Exists);
    }
}
