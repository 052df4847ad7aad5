namespace Berth.Cli.Output;

/// <summary>What <c>-o</c> chooses.</summary>
internal enum OutputFormat
{
    Table,
    Json,
    Yaml,
    /// <summary>Names (or ids, where a thing has no name), one a line: for scripts.</summary>
    Name,
}
