using System.Net.Sockets;
using Berth.Contracts.Services;
using Berth.Core.Sessions;
using Berth.Server.Sessions;
using Berth.Tunnel;

namespace Berth.Server.Proxy;

/// <summary>The one way to a port of a session. Nothing else knows how a session is reached.</summary>
public sealed class SessionDialer(Neighbours neighbours)
{
    /// <summary>
    /// Opens a byte stream to a port of a session. Apart from the front end's, programs listen on loopback as a rule, where the
    /// agent alone gets.
    /// </summary>
    /// <exception cref="IOException">The agent is not connected. That nothing listens on the port the first read says.</exception>
    /// <exception cref="SocketException">Nothing listens at the address.</exception>
    public async Task<Stream> DialAsync(SessionRoute route, int port, CancellationToken ct) => (port == route.Port ? route.Reach : Reach.Agent) switch
    {
        Reach.Agent => await neighbours.DialAgent(route.Id, port, ct),
        Reach.Direct => await ConnectAsync(route, port, ct),
        _ => throw new ArgumentOutOfRangeException(nameof(route), route.Reach, "A reach without a way."),
    };

    /// <summary>Opens a byte stream to the session's agent itself, for its services: whatever its ports are reached by.</summary>
    /// <exception cref="AgentTooOldException">It has none.</exception>
    /// <exception cref="IOException">The agent is not connected.</exception>
    public async Task<DuplexStream> DialServicesAsync(SessionRoute route, CancellationToken ct) =>
        (DuplexStream)await neighbours.DialAgent(route.Id, ServiceRoutes.AgentPort, ct);

    private static async Task<Stream> ConnectAsync(SessionRoute route, int port, CancellationToken ct)
    {
        if (route.Address is null)
            throw new IOException($"Session {route.Id} has no address yet.");
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(route.Address, port, ct);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
