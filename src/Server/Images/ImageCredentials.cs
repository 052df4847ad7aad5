using System.Security.Cryptography;
using Berth.Contracts.Images;
using Berth.Contracts.Problems;
using Berth.Core.Providers;
using Berth.Providers.Docker;
using Berth.Server.Problems;
using Berth.Server.Storage;
using Dapper;
using Microsoft.AspNetCore.DataProtection;

namespace Berth.Server.Images;

/// <summary>
/// Credentials that users keep for registries of images, and those of the installation for its global environments. They
/// can be written and never read; in the database they are encrypted for their owner and registry alone.
/// </summary>
public sealed partial class ImageCredentials(
    Db db, IDataProtectionProvider protection, RegistryClient registries, TimeProvider clock, ILogger<ImageCredentials> log)
{
    /// <summary>Owner of the installation's.</summary>
    public const string Installation = "";

    public async Task<List<ImageCredentialView>> ListAsync(string owner, CancellationToken ct)
    {
        await using var connection = await db.OpenAsync(ct);
        var rows = await connection.QueryAsync<Row>("SELECT * FROM image_credentials WHERE owner = @owner ORDER BY host", new { owner });
        return [.. rows.Select(r => r.View(null))];
    }

    /// <summary>Keeps them, once the registry has taken them. One that cannot be asked is no reason not to.</summary>
    public async Task<ImageCredentialView> SetAsync(string owner, string host, ImageCredentialRequest request, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(request);
        host = RegistryHost.Checked(host, "host");
        var username = Check.Name(request.Username, "username", longest: 200);
        if (username.Contains(':'))
            throw Check.Invalid("username", "must not contain a colon");
        if (request.Password is not { Length: > 0 and <= 8000 } || request.Password.Any(char.IsControl))
            throw Check.Invalid("password", "must have 1 to 8000 characters, none of them control characters");
        var answer = await registries.SignInAsync(new RegistryCredential(host, username, request.Password), ct);
        if (answer.Word == RegistryWord.Refused)
            throw new ProblemException(ProblemCode.Invalid, $"{host} does not take this username and password. For a registry with two-factor sign-in, make an access token there and use it as password.", "password");
        if (answer.Word == RegistryWord.Missing)
            throw new ProblemException(ProblemCode.Invalid, $"{host} is no registry of images: it knows no /v2/.", "host");
        var row = new Row
        {
            Owner = owner,
            Host = host,
            Username = username,
            Secret = ProtectorOf(owner, host).Protect(request.Password),
            CreatedAt = clock.GetUtcNow().ToUnixTimeMilliseconds(),
        };
        await db.ExecuteAsync(
            """
            INSERT INTO image_credentials (owner, host, username, secret, created_at) VALUES (@Owner, @Host, @Username, @Secret, @CreatedAt)
            ON CONFLICT (owner, host) DO UPDATE SET username = excluded.username, secret = excluded.secret, created_at = excluded.created_at
            """,
            row,
            ct);
        return row.View(answer.Word == RegistryWord.Silent ? $"{host} could not be asked whether they are right: {answer.Fault}." : null);
    }

    /// <summary>What is not there is deleted already.</summary>
    public Task DeleteAsync(string owner, string host, CancellationToken ct) =>
        db.ExecuteAsync("DELETE FROM image_credentials WHERE owner = @owner AND host = @host", new { owner, host = RegistryHost.Checked(host, "host") }, ct);

    /// <summary>
    /// What a user may show the registry of an image: their own credentials; for the image of a global environment, the
    /// installation's before those.
    /// </summary>
    public async Task<ImageAccess> AccessAsync(string userId, string image, CancellationToken ct)
    {
        var host = RegistryHost.Of(image);
        await using var connection = await db.OpenAsync(ct);
        var shared = await connection.ExecuteScalarAsync<int>(
            "SELECT count(*) FROM environments WHERE kind = 'GLOBAL' AND container_image IN (@image, @other)",
            new { image, other = image.EndsWith(":latest", StringComparison.Ordinal) ? image[..^":latest".Length] : image }) > 0;
        var rows = await connection.QueryAsync<Row>(
            "SELECT * FROM image_credentials WHERE host = @host AND owner IN (@userId, @first) ORDER BY owner", new { host, userId, first = shared ? Installation : userId });
        return new ImageAccess(userId, shared, rows.Select(Open).FirstOrDefault(c => c is not null));
    }

    private RegistryCredential? Open(Row row)
    {
        try
        {
            return new RegistryCredential(row.Host, row.Username, ProtectorOf(row.Owner, row.Host).Unprotect(row.Secret));
        }
        catch (CryptographicException)
        {
            Unreadable(log, row.Host, row.Username); // such as after the keys were lost: as if there were none
            return null;
        }
    }

    private IDataProtector ProtectorOf(string owner, string host) => protection.CreateProtector("Berth.ImageCredentials.v1", owner.Length == 0 ? "installation" : owner, host);

    [LoggerMessage(LogLevel.Warning, "The credentials of {Username} at {Host} cannot be decrypted with the server's keys; they have to be set again.")]
    private static partial void Unreadable(ILogger logger, string host, string username);

    private sealed class Row
    {
        public string Owner { get; init; } = "";
        public string Host { get; init; } = "";
        public string Username { get; init; } = "";
        public string Secret { get; init; } = "";
        public long CreatedAt { get; init; }

        public ImageCredentialView View(string? warning) => new(Host, Username, DateTimeOffset.FromUnixTimeMilliseconds(CreatedAt), warning);
    }
}
