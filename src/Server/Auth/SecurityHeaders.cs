using Berth.Server.Proxy;

namespace Berth.Server.Auth;

/// <summary>
/// What browsers are told to refuse on pages of the server itself: scripts that are not files of it, being framed,
/// guessing of content types, and telling other sites where a link was followed from.
/// </summary>
public sealed class SecurityHeaders(RequestDelegate next, Origins origins)
{
    // Inline styles are allowed: the terminal and the charts make them. Inline scripts are not.
    private const string Policy =
        "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; "
        + "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

    public Task InvokeAsync(HttpContext context)
    {
        var headers = context.Response.Headers;
        // Browsers hold a form to its page's policy wherever it is redirected: who signs in to open a session ends at its origin.
        headers.ContentSecurityPolicy = context.Request.Path == "/sign-in"
            ? Policy.Replace("form-action 'self'", $"form-action 'self' {origins.OfSessions}", StringComparison.Ordinal)
            : Policy;
        headers.XContentTypeOptions = "nosniff";
        // Not no-referrer: with that, browsers send "Origin: null" with our own forms.
        headers["Referrer-Policy"] = "same-origin";
        headers["Cross-Origin-Opener-Policy"] = "same-origin";
        headers["Cross-Origin-Resource-Policy"] = "same-origin";
        if (context.Request.Path.StartsWithSegments("/api"))
            headers.CacheControl = "no-store";
        return next(context);
    }
}
