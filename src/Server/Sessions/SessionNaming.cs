using System.Data.Common;
using Berth.Server.Auth;
using Dapper;

namespace Berth.Server.Sessions;

/// <summary>Names for sessions that were given none.</summary>
public static class SessionNaming
{
    /// <summary>The longest name.</summary>
    public const int MaxLength = 63;

    /// <summary>A name from what is started: <c>jupyterlab</c>, then <c>jupyterlab-2</c>.</summary>
    public static async Task<string> FreeNameAsync(Caller caller, string from, int attempt, DbConnection connection)
    {
        var stem = Slug(from);
        var taken = (await connection.QueryAsync<string>(
            "SELECT name FROM sessions WHERE user_id = @UserId AND status <> 'ended' AND name LIKE @pattern",
            new { caller.UserId, pattern = stem + "%" })).ToHashSet();
        if (attempt == 0 && !taken.Contains(stem))
            return stem;
        for (var number = 2; ; number++)
        {
            var name = $"{stem}-{number}";
            if (!taken.Contains(name))
                return name;
        }
    }

    /// <summary>Lower case letters, digits and dashes.</summary>
    public static string Slug(string text)
    {
        var last = text.Split('@')[0].Split('/')[^1];
        var slug = new string([.. last.ToLowerInvariant().Select(c => char.IsAsciiLetterOrDigit(c) ? c : '-')]).Trim('-');
        while (slug.Contains("--", StringComparison.Ordinal))
            slug = slug.Replace("--", "-", StringComparison.Ordinal);
        slug = slug.Length > 50 ? slug[..50].TrimEnd('-') : slug;
        return slug.Length == 0 ? "session" : slug;
    }
}
