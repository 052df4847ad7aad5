using System.Net;
using Berth.Contracts.Client;

namespace Berth.Cli.Servers;

/// <summary>What to do where a server is not reached.</summary>
internal static class NotReached
{
    /// <returns>Null: the reason says all that is known.</returns>
    public static string? NextStep(ServerUnreachableException e) => e.GetBaseException() switch
    {
        _ when TlsFault.IsOfProtocol(e) =>
            "It does not answer with encryption: no token was sent. Look whether the port is right; a server of this machine alone may be http://…",
        _ when TlsFault.IsOfCertificate(e) =>
            "This machine does not trust the certificate that it showed: no token was sent. Where it is signed by an authority of your own, sign in with that: `berth login URL --ca FILE`.",
        HttpRequestException { HttpRequestError: HttpRequestError.ProxyTunnelError, StatusCode: HttpStatusCode.ProxyAuthenticationRequired } =>
            "The proxy wants to know who you are: write HTTPS_PROXY as http://NAME:PASSWORD@HOST:PORT.",
        HttpRequestException { HttpRequestError: HttpRequestError.ProxyTunnelError } =>
            "The proxy that HTTPS_PROXY names lets nothing through to it. A server that needs no proxy is named in NO_PROXY.",
        _ => null,
    };
}
