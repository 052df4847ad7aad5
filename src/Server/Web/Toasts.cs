using System.Security.Cryptography;
using System.Text.Json;
using Microsoft.AspNetCore.DataProtection;

namespace Berth.Server.Web;

/// <summary>A result of an action, shown once.</summary>
/// <param name="Kind">success or danger.</param>
/// <param name="Text">One sentence.</param>
public sealed record Toast(string Kind, string Text);

/// <summary>
/// Carries the result of an action to where it is shown: in a header for htmx, else over the redirect in a cookie,
/// sealed so that nobody else can put words into our pages.
/// </summary>
public sealed class Toasts(IDataProtectionProvider protection)
{
    private readonly ITimeLimitedDataProtector _seal = protection.CreateProtector("Berth.Web.Toasts").ToTimeLimitedDataProtector();

    public void Show(HttpContext context, Toast toast)
    {
        if (context.IsHtmx())
            context.Response.Headers["HX-Trigger"] = JsonSerializer.Serialize(new Dictionary<string, Toast> { ["berth:toast"] = toast }, JsonSerializerOptions.Web);
        else
            context.Response.Cookies.Append(
                CookieName(context),
                _seal.Protect(JsonSerializer.Serialize(toast), TimeSpan.FromMinutes(1)),
                new CookieOptions { HttpOnly = true, SameSite = SameSiteMode.Strict, Secure = context.Request.IsHttps, MaxAge = TimeSpan.FromMinutes(1), IsEssential = true });
    }

    /// <summary>What is to be shown now; it is not shown again.</summary>
    public IReadOnlyList<Toast> Take(HttpContext context)
    {
        if (context.IsHtmx() || context.Request.Cookies[CookieName(context)] is not { } value)
            return [];
        if (!context.Response.HasStarted)
            context.Response.Cookies.Delete(CookieName(context));
        try
        {
            return JsonSerializer.Deserialize<Toast>(_seal.Unprotect(value)) is { } toast ? [toast] : [];
        }
        catch (Exception e) when (e is CryptographicException or JsonException)
        {
            return [];
        }
    }

    // Cookies do not know ports: another server on this machine has one of its own.
    private static string CookieName(HttpContext context) => $"berth-toast-{context.Request.Host.Port ?? 443}";
}

public static class HtmxRequests
{
    /// <summary>Whether htmx asks, not the browser itself.</summary>
    public static bool IsHtmx(this HttpContext context) => context.Request.Headers.ContainsKey("HX-Request");
}
