using System.Net;
using Berth.Contracts.Client;
using Berth.Contracts.Nodes;
using Berth.Tunnel;

namespace Berth.Node;

/// <summary>Exchanges the join token for the node's own.</summary>
internal static class Joining
{
    /// <exception cref="NodeException">The server refuses, is not trusted, or does not answer.</exception>
    public static async Task JoinAsync(NodeFolder folder, string? token, CancellationToken ct)
    {
        if (string.IsNullOrEmpty(token))
            throw new NodeException(NodeException.BadConfiguration, "This machine has not joined yet, and was given no join token. Make one with `berth node token`, then `berth node join`.");
        var (server, name) = (folder.Settings.Server, folder.Settings.Name);
        using var client = new ApiClient(new HttpClient(ServerDialer.Handler(folder.Authorities)) { BaseAddress = new Uri(server.TrimEnd('/') + "/") });
        try
        {
            var joined = await client.JoinNodeAsync(new JoinRequest(token, name, folder.EnsureToken(), folder.Settings.Offer, folder.Settings.Processes), ct);
            folder.Keep(new NodeIdentity(joined.Id, joined.Name, joined.Installation));
            await Console.Error.WriteLineAsync($"berth-node: joined {server} as {joined.Name}, {(joined.Owner is { } owner ? $"for {owner} alone" : "for its pools")}.");
        }
        catch (ApiException e)
        {
            throw new NodeException(e.Status == HttpStatusCode.Unauthorized ? NodeException.NoPermission : NodeException.BadConfiguration, e.Message, e);
        }
        catch (ServerUnreachableException e)
        {
            throw new NodeException(NodeException.Unavailable, NotReached(server, e), e);
        }
    }

    /// <summary>Why a server could not be reached, and what to do.</summary>
    public static string NotReached(string server, Exception e) =>
        TlsFault.IsOfCertificate(e) ? $"{server} shows a certificate that this machine does not trust: nothing was sent to it. Where it is signed by an authority of your own, give that with --ca FILE."
        : TlsFault.IsOfProtocol(e) ? $"{server} does not answer with encryption: nothing was sent to it. Look whether the port is right; a server of this machine alone may be http://…"
        : $"{server} cannot be reached: {e.GetBaseException().Message.TrimEnd('.')}. Look whether the address is right, and whether a proxy is needed (HTTPS_PROXY).";
}
