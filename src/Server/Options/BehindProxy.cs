using Microsoft.AspNetCore.HttpOverrides;

namespace Berth.Server.Options;

/// <summary>The server listens on loopback only: what comes with a public address comes from a proxy on this machine.</summary>
internal static class BehindProxy
{
    /// <summary>Loopback is trusted by default, and nothing else.</summary>
    public static ForwardedHeadersOptions Options => new() { ForwardedHeaders = ForwardedHeaders.XForwardedFor | ForwardedHeaders.XForwardedProto };
}
