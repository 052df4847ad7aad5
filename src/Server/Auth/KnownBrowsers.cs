using System.Security.Cryptography;
using Berth.Server.Options;
using Microsoft.AspNetCore.DataProtection;

namespace Berth.Server.Auth;

/// <summary>
/// A mark on browsers in which a user has signed in with the password. It signs nobody in: it keeps this browser's tries
/// apart from those of whoever guesses the same password elsewhere.
/// </summary>
public sealed class KnownBrowsers(IDataProtectionProvider protection, PublicAddress address)
{
    private static readonly TimeSpan Lifetime = TimeSpan.FromDays(365);
    private readonly ITimeLimitedDataProtector _protector = protection.CreateProtector("Berth.KnownBrowser.v1").ToTimeLimitedDataProtector();

    private string CookieName => address.IsSecure ? "__Host-berth-known" : $"berth-known-{address.Url.Port}";

    /// <summary>Marks the browser as this user's.</summary>
    public void Mark(HttpContext context, string username) => context.Response.Cookies.Append(
        CookieName,
        _protector.Protect($"{username}|{Secret.New()}", Lifetime),
        new CookieOptions { HttpOnly = true, Secure = address.IsSecure, SameSite = SameSiteMode.Lax, Path = "/", MaxAge = Lifetime, IsEssential = true });

    /// <summary>The browser's mark, if it is this user's; null: there is none.</summary>
    public string? Find(HttpContext context, string username)
    {
        if (context.Request.Cookies[CookieName] is not { Length: > 0 and < 1000 } value)
            return null;
        try
        {
            return _protector.Unprotect(value).Split('|') is [var marked, var mark] && marked == username ? mark : null;
        }
        catch (CryptographicException)
        {
            return null;
        }
    }
}
