using System.Data.Common;
using Berth.Core.Ids;
using Berth.Server.Problems;
using Dapper;

namespace Berth.Server.Users;

/// <summary>A user to be made; each gets a personal project, which holds what they start without a project.</summary>
public sealed record NewUser(
    string Username, bool IsAdmin = false, string? FirstName = null, string? LastName = null, string? Email = null, string? PasswordHash = null)
{
    public const int LongestName = 63;

    /// <summary>A user name: 1–63 lower-case letters, digits, dots, dashes and underscores, the first a letter or digit.</summary>
    public static string CheckName(string? name, string field) =>
        name is { Length: >= 1 and <= LongestName } && char.IsAsciiLetterOrDigit(name[0]) && name.All(IsAllowed)
            ? name
            : throw Check.Invalid(field, $"must have 1 to {LongestName} lower-case letters, digits, dots, dashes or underscores, the first a letter or digit; it is '{name}'");

    /// <summary>The nearest allowed user name.</summary>
    public static string NameFrom(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var name = new string([.. text.ToLowerInvariant().Where(IsAllowed)]).TrimStart('.', '-', '_');
        return name.Length == 0 ? "owner" : name[..Math.Min(name.Length, LongestName)];
    }

    /// <summary>Inserts user, personal project and membership. Returns the user's id.</summary>
    /// <exception cref="DbException">Unique violation: the name is taken.</exception>
    public static async Task<string> InsertAsync(DbConnection connection, NewUser user, TimeProvider clock)
    {
        ArgumentNullException.ThrowIfNull(user);
        var now = clock.GetUtcNow().ToUnixTimeMilliseconds();
        var id = Ulid.New(clock);
        await connection.ExecuteAsync(
            """
            INSERT INTO users (id, username, is_admin, first_name, last_name, email, password_hash, disabled, created_at)
            VALUES (@id, @Username, @IsAdmin, @FirstName, @LastName, @Email, @PasswordHash, false, @now)
            """, new { id, user.Username, user.IsAdmin, user.FirstName, user.LastName, user.Email, user.PasswordHash, now });
        var project = Ulid.New(clock);
        await connection.ExecuteAsync(
            """
            INSERT INTO projects (id, name, namespace, slug, visibility, keywords, repositories, personal_of, created_by, created_at, version)
            VALUES (@project, 'Personal', @Username, 'personal', 'private', '[]', '[]', @id, @id, @now, 1)
            """, new { project, user.Username, id, now });
        await connection.ExecuteAsync(
            "INSERT INTO project_members (project_id, user_id, role) VALUES (@project, @id, 'owner')", new { project, id });
        return id;
    }

    private static bool IsAllowed(char c) => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c is '.' or '-' or '_';
}
