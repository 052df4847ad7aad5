using System.Net.WebSockets;
using Berth.Server.Options;

namespace Berth.Server.Connections;

/// <summary>
/// WebSockets that come over the network, which does not tell of a dead peer: this side pings, and so does the other, so that
/// each finds by itself that a line went dead without a word, and no proxy in between takes it for dead while nothing is said.
/// Said where each is accepted: options of a pipeline are those of its first <c>UseWebSockets</c>.
/// </summary>
internal static class NetworkWebSockets
{
    private static readonly TimeSpan s_answersWithin = TimeSpan.FromSeconds(10);

    /// <summary>Accepts the request's.</summary>
    public static Task<WebSocket> AcceptOverNetworkAsync(this HttpContext context) => context.WebSockets.AcceptWebSocketAsync(new WebSocketAcceptContext
    {
        KeepAliveInterval = context.RequestServices.GetRequiredService<ServerOptions>().PingEvery,
        KeepAliveTimeout = s_answersWithin,
    });
}
