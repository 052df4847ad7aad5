using Microsoft.AspNetCore.HttpOverrides;

namespace Berth.Server.Options;

/// <summary>What a proxy on this machine says of those before it is believed; what others say of themselves is not.</summary>
internal static class BehindProxy
{
    /// <summary>Loopback is trusted by default, and nothing else.</summary>
    public static ForwardedHeadersOptions Options => new() { ForwardedHeaders = ForwardedHeaders.XForwardedFor | ForwardedHeaders.XForwardedProto };
}
