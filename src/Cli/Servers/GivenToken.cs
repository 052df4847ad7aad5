namespace Berth.Cli.Servers;

/// <summary>A token out of a file, where other users cannot read it off the command line.</summary>
internal static class GivenToken
{
    /// <param name="here">Where a relative path begins, and stdin.</param>
    /// <param name="path">As it was typed; - is stdin.</param>
    /// <exception cref="CliException">It cannot be read.</exception>
    public static string FromFile(Surroundings here, string path)
    {
        if (path == "-")
            return here.In.ReadLine() ?? "";
        try
        {
            return File.ReadAllText(Path.GetFullPath(path, here.WorkingFolder));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            var why = e is FileNotFoundException or DirectoryNotFoundException ? "it does not exist" : e.Message.TrimEnd('.');
            throw CliException.Usage($"--token-file {path} cannot be read: {why}. Put the token into it, or give - and the token on stdin.");
        }
    }
}
