using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Security.Cryptography;
using Microsoft.AspNetCore.DataProtection;

namespace Berth.Server.Proxy;

/// <summary>What a gate cookie says: this browser may open this origin as this user, while the sign-in is good.</summary>
/// <param name="Origin">A session's.</param>
/// <param name="Visitor">Who.</param>
/// <param name="Issued">When.</param>
public sealed record Pass(SessionOrigin Origin, Visitor Visitor, DateTimeOffset Issued);

/// <summary>
/// The two cookies of a session's origin. The nonce is set before the visitor goes to sign in and marks the browser; the
/// gate cookie is set for the ticket that comes back. Both are host-only and not readable by scripts.
/// </summary>
/// <remarks>
/// SameSite is Lax, not Strict: the way in is a link and a redirect from another origin (the server's), and a Strict cookie
/// stays away from such a navigation, so that every link to a session would go through the gate for ever. It is not what
/// keeps other sites out: <see cref="ForeignOrigin"/> does.
/// </remarks>
public sealed class GateCookies(IDataProtectionProvider protection, Origins origins, TimeProvider clock)
{
    /// <summary>How names of Berth's cookies begin; none of them reaches an app, nor may an app set one.</summary>
    public const string Prefix = "berth-";

    /// <summary>As <see cref="Prefix"/>, where browsers speak TLS: they take it with Secure and without Domain only.</summary>
    public const string SecurePrefix = "__Host-berth-";

    // A pass is asked for with every request; the bound keeps cookies that nobody uses any more from piling up.
    // Looked up by a hash whose key is this process's own, so that the time it takes tells nothing of values that are known.
    private const int CacheSize = 4096;
    private static readonly TimeSpan MaximumAge = TimeSpan.FromDays(30);
    private readonly IDataProtector _protector = protection.CreateProtector("Berth.Gate.v1");
    private readonly ConcurrentDictionary<string, Pass> _passes = new();

    /// <summary>Reads the gate cookie of a request.</summary>
    public bool TryRead(HttpRequest request, SessionOrigin origin, [NotNullWhen(true)] out Pass? pass)
    {
        pass = null;
        if (!CookieHeader.TryFind(request, Name("gate", origin), out var value))
            return false;
        pass = _passes.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(value, out var known) ? known : Unprotect(value.ToString());
        if (pass?.Origin == origin && pass.Issued + MaximumAge > clock.GetUtcNow())
            return true;
        pass = null;
        return false;
    }

    /// <summary>Sets the gate cookie and takes the nonce away.</summary>
    public void Write(HttpResponse response, SessionOrigin origin, Visitor visitor)
    {
        var issued = clock.GetUtcNow().ToUnixTimeSeconds();
        var value = _protector.Protect($"{origin.Key}|{visitor.UserId}|{visitor.SignInId}|{issued}");
        response.Cookies.Append(Name("gate", origin), value, Attributes());
        response.Cookies.Delete(Name("nonce", origin), Attributes());
    }

    /// <summary>The nonce of this browser, or null.</summary>
    public string? ReadNonce(HttpRequest request, SessionOrigin origin) =>
        CookieHeader.TryFind(request, Name("nonce", origin), out var value) && Tickets.IsSecret(value.ToString()) ? value.ToString() : null;

    /// <summary>The nonce of this browser: the one it has, so that tabs which come in at once do not take it from each other.</summary>
    public string EnsureNonce(HttpContext context, SessionOrigin origin)
    {
        if (ReadNonce(context.Request, origin) is { } present)
            return present;
        var nonce = Tickets.Secret();
        context.Response.Cookies.Append(Name("nonce", origin), nonce, Attributes());
        return nonce;
    }

    private Pass? Unprotect(string value)
    {
        string[] parts;
        try
        {
            parts = _protector.Unprotect(value).Split('|');
        }
        catch (CryptographicException)
        {
            return null;
        }

        if (parts.Length != 4 || SessionOrigin.Read(parts[0]) is not { } origin || !long.TryParse(parts[3], NumberStyles.None, null, out var issued))
            return null;
        if (_passes.Count >= CacheSize)
            _passes.Clear();
        return _passes[value] = new Pass(origin, new Visitor(parts[1], parts[2]), DateTimeOffset.FromUnixTimeSeconds(issued));
    }

    // On plain http the name carries the origin, because there a cookie set for a parent domain could take its place.
    private string Name(string kind, SessionOrigin origin) =>
        origins.IsSecure ? SecurePrefix + kind : string.Concat(Prefix, kind, "-", origin.Key);

    private CookieOptions Attributes() =>
        new() { HttpOnly = true, Secure = origins.IsSecure, SameSite = SameSiteMode.Lax, Path = "/", IsEssential = true };
}
