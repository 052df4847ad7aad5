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

    /// <summary>Accepts the request's; whoever does not answer pings is cut. For one that both sides read all the time.</summary>
    public static Task<WebSocket> AcceptOverNetworkAsync(this HttpContext context) => AcceptAsync(context, s_answersWithin);

    /// <summary>
    /// Accepts the request's, which carries a stream. An answer to a ping would stand behind what a slow reader has not read
    /// yet, so none is asked for: that the peer died, its control connection tells.
    /// </summary>
    public static Task<WebSocket> AcceptStreamOverNetworkAsync(this HttpContext context) => AcceptAsync(context, Timeout.InfiniteTimeSpan);

    private static Task<WebSocket> AcceptAsync(HttpContext context, TimeSpan answersWithin) => context.WebSockets.AcceptWebSocketAsync(new WebSocketAcceptContext
    {
        KeepAliveInterval = context.RequestServices.GetRequiredService<ServerOptions>().PingEvery,
        KeepAliveTimeout = answersWithin,
    });
}
