using Berth.Server.Problems;

namespace Berth.Server.Auth;

/// <summary>What an API token may be used for, within the rights of its user.</summary>
public enum TokenScope
{
    /// <summary>Everything that its user may do.</summary>
    All,
    /// <summary>Start, see, open and manage one's own sessions, and read what is needed for it.</summary>
    Sessions,
    /// <summary>Whatever changes nothing.</summary>
    Read,
}

/// <summary>The scope's column of an endpoint in the access table: which tokens may call it. Callers without a token have no scope.</summary>
public enum ScopeRule
{
    /// <summary>Tokens of each scope.</summary>
    Any,
    /// <summary>Tokens that may read, and unlimited ones.</summary>
    Read,
    /// <summary>Tokens for sessions, and unlimited ones.</summary>
    Sessions,
    /// <summary>Unlimited tokens only. Whatever gives somebody a way in is here: tokens, links, passwords.</summary>
    All,
}

public static class TokenScopes
{
    public static bool Admits(this ScopeRule rule, TokenScope scope) => (rule, scope) switch
    {
        (_, TokenScope.All) or (ScopeRule.Any, _) => true,
        (ScopeRule.Read, TokenScope.Read) or (ScopeRule.Sessions, TokenScope.Sessions) => true,
        _ => false,
    };

    /// <summary>As the API and the database write it.</summary>
    public static string Word(this TokenScope scope) => scope switch
    {
        TokenScope.All => "all",
        TokenScope.Sessions => "sessions",
        TokenScope.Read => "read",
        _ => throw new ArgumentOutOfRangeException(nameof(scope)),
    };

    /// <exception cref="ProblemException">There is no such scope.</exception>
    public static TokenScope Parse(string word, string field) => Check.OneOf(word, field, "all", "sessions", "read") switch
    {
        "sessions" => TokenScope.Sessions,
        "read" => TokenScope.Read,
        _ => TokenScope.All,
    };
}
