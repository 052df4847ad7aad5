using System.Buffers.Text;
using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;

namespace Berth.Server.Proxy;

/// <summary>
/// One-time tickets that carry a sign-in from the server's origin to a session's. A ticket is good for one browser (the one
/// that holds the nonce whose hash is the challenge), one origin and one minute; trying it spends it.
/// </summary>
public sealed class Tickets(TimeProvider clock)
{
    private static readonly TimeSpan Lifetime = TimeSpan.FromSeconds(60);
    private readonly ConcurrentDictionary<string, Entry> _entries = new();

    private sealed record Entry(SessionOrigin Origin, string Challenge, Visitor Visitor, DateTimeOffset ExpiresAt);

    /// <summary>A new ticket.</summary>
    public string Issue(SessionOrigin origin, string challenge, Visitor visitor)
    {
        var now = clock.GetUtcNow();
        foreach (var (old, entry) in _entries)
        {
            if (entry.ExpiresAt <= now)
                _entries.TryRemove(old, out _);
        }

        var ticket = Secret();
        // By its hash: how long a look-up takes then says nothing about tickets that are there.
        _entries[Challenge(ticket)] = new Entry(origin, challenge, visitor, now + Lifetime);
        return ticket;
    }

    /// <summary>Spends a ticket. Null where it is not good for this origin in this browser, now.</summary>
    public Visitor? Redeem(string ticket, SessionOrigin origin, string nonce)
    {
        if (!_entries.TryRemove(Challenge(ticket), out var entry))
            return null;
        var good = entry.ExpiresAt > clock.GetUtcNow()
            && entry.Origin == origin
            && CryptographicOperations.FixedTimeEquals(Encoding.ASCII.GetBytes(entry.Challenge), Encoding.ASCII.GetBytes(Challenge(nonce)));
        return good ? entry.Visitor : null;
    }

    /// <summary>256 random bits in the letters of a URL.</summary>
    public static string Secret() => Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(32));

    /// <summary>What may be told of a nonce.</summary>
    public static string Challenge(string nonce) => Base64Url.EncodeToString(SHA256.HashData(Encoding.ASCII.GetBytes(nonce)));

    /// <summary>Whether a text has the form of a secret or a challenge.</summary>
    public static bool IsSecret(string? text) => text is { Length: 43 } && text.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_');
}
