namespace Berth.Cli.Output;

/// <summary>Words of commands as a POSIX shell reads them.</summary>
internal static class ShellWord
{
    private const string Plain = "-_./:@%+=,";

    /// <summary>Between quotes where it needs any.</summary>
    public static string Of(string word) => word.Length > 0 && word.All(c => char.IsAsciiLetterOrDigit(c) || Plain.Contains(c))
        ? word
        : Quoted(word);

    /// <summary>Between quotes.</summary>
    public static string Quoted(string word) => $"'{word.Replace("'", "'\\''", StringComparison.Ordinal)}'";
}
