using Berth.Contracts.Problems;
using Berth.Server.Problems;
using Berth.Server.Storage;
using Dapper;
using Microsoft.AspNetCore.Identity;

namespace Berth.Server.Auth;

/// <summary>User names with passwords: stretched (PBKDF2), and slow to guess.</summary>
public sealed class Passwords(Db db, SignInThrottle throttle)
{
    private const int Shortest = 10;
    private const int Longest = 200;

    private static readonly PasswordHasher<string> Hasher = new();

    /// <summary>For unknown users: they have to take as long as known ones.</summary>
    private static readonly Lazy<string> NobodysHash = new(() => Hasher.HashPassword("", Secret.New()));

    public static string Hash(string password, string field) =>
        password is { Length: >= Shortest and <= Longest }
            ? Hasher.HashPassword("", password)
            : throw Check.Invalid(field, $"must have {Shortest} to {Longest} characters; it has {password?.Length ?? 0}");

    /// <summary>Whose name and password these are; null: nobody's.</summary>
    /// <exception cref="ProblemException">Too many wrong ones of late.</exception>
    public async Task<string?> FindAsync(SignInPlace place, string username, string password, CancellationToken ct)
    {
        if (throttle.Delay(place, username) is { } wait)
        {
            throw new ProblemException(ProblemCode.TooManyRequests, $"Too many wrong passwords. Try again in {Math.Ceiling(wait.TotalMinutes):0} min.")
            {
                RetryAfter = wait,
            };
        }

        // Counted before it is checked, so that many guesses at once do not slip through; taken back when it was right.
        throttle.Count(place, username);
        await using var connection = await db.OpenAsync(ct);
        var user = await connection.QuerySingleOrDefaultAsync<UserRow>(
            "SELECT id, password_hash FROM users WHERE username = @username AND disabled = false", new { username });
        var verified = Hasher.VerifyHashedPassword("", user?.PasswordHash ?? NobodysHash.Value, password.Length <= Longest ? password : "");
        if (verified == PasswordVerificationResult.Failed || user?.PasswordHash is null)
            return null;
        throttle.Forget(place, username);
        return user.Id;
    }

    private sealed class UserRow
    {
        public string Id { get; init; } = "";
        public string? PasswordHash { get; init; }
    }
}
