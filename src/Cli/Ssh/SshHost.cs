using Berth.Cli.Servers;

namespace Berth.Cli.Ssh;

/// <summary>
/// A session as SSH clients name it: <c>NAME.berth</c>, or <c>NAME.CONTEXT.berth</c> where it is on another server than the
/// one that is used by default.
/// </summary>
/// <param name="Alias">What the client calls it.</param>
/// <param name="Session">Name or id, or the beginning of it.</param>
/// <param name="Context">Of the server; null: the default one.</param>
internal sealed record SshHost(string Alias, string Session, string? Context)
{
    public const string Suffix = ".berth";

    /// <summary>Reads what a client says. It comes from a command line that a link or a repository may have written.</summary>
    /// <param name="alias">As the client says it; the suffix may be left out.</param>
    /// <param name="contexts">Those that are known.</param>
    public static SshHost Parse(string alias, IEnumerable<string> contexts)
    {
        if (!IsPlain(alias))
            throw CliException.Usage("This is no host of Berth: a session's name has letters, digits, dots, dashes and underscores.");
        var rest = alias.EndsWith(Suffix, StringComparison.OrdinalIgnoreCase) ? alias[..^Suffix.Length] : alias;
        // A context may have dots, too: the longest that fits is meant.
        var context = contexts.Where(name => rest.Length > name.Length + 1 && rest.EndsWith($".{name}", StringComparison.OrdinalIgnoreCase)).MaxBy(name => name.Length);
        return new SshHost(alias.ToLowerInvariant(), context is null ? rest : rest[..^(context.Length + 1)], context);
    }

    /// <summary>Names a session for a client. A context that no host name can hold is left to the one who connects.</summary>
    public static string Of(string session, string context) => IsPlain(context) ? $"{session}.{context}{Suffix}" : session + Suffix;

    /// <summary>All contexts, the local one among them.</summary>
    public static IReadOnlyList<string> Contexts(Surroundings here) => [.. new ContextStore(here).Read().Contexts.Keys, ContextStore.Local];

    private static bool IsPlain(string text) => text.Length > 0 && text.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '-' or '_' or ':') && text[0] != '-';
}
