using Microsoft.AspNetCore.Server.Kestrel.Core.Features;

namespace Berth.Server.Auth;

/// <summary>What requests have in common that stay open, and programs that come with a token of their own.</summary>
internal static class LongLived
{
    private const string Scheme = "Bearer ";

    /// <summary>Lets a request take its time: a stream that is quiet, or whose reader is slow, is not an attack.</summary>
    public static void LiftDataRates(this HttpContext context)
    {
        if (context.Features.Get<IHttpMinRequestBodyDataRateFeature>() is { } incoming)
            incoming.MinDataRate = null;
        if (context.Features.Get<IHttpMinResponseDataRateFeature>() is { } outgoing)
            outgoing.MinDataRate = null;
    }

    /// <summary>The token that a program of ours sends; null: none.</summary>
    public static string? BearerToken(this HttpRequest request)
    {
        var header = request.Headers.Authorization.ToString();
        return header.StartsWith(Scheme, StringComparison.Ordinal) ? header[Scheme.Length..] : null;
    }
}
