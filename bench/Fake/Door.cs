using System.Net;
using System.Net.Sockets;
using Berth.Server.Proxy;
using Berth.Server.Sessions;
using Berth.Tunnel;
using Microsoft.Extensions.DependencyInjection;

namespace Berth.Bench.Fake;

/// <summary>
/// A port of loopback behind which the server dials a port of a session as its proxy does, and copies bytes: the tunnel by
/// itself, between server and agent.
/// </summary>
internal static class Door
{
    /// <returns>The port.</returns>
    public static int Open(IServiceProvider services, string session, int port)
    {
        var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start(512);
        _ = Task.Run(async () =>
        {
            while (true)
                _ = PassAsync(await listener.AcceptSocketAsync(), services, session, port);
        });
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private static async Task PassAsync(Socket socket, IServiceProvider services, string session, int port)
    {
        try
        {
            socket.NoDelay = true;
            await using var here = new SocketStream(socket);
            services.GetRequiredService<SessionDirectory>().TryGet(session, out var route);
            await using var there = (DuplexStream)await services.GetRequiredService<SessionDialer>().DialAsync(route!, port, default);
            await Splice.RunAsync(here, there, default);
        }
        catch (IOException)
        {
            // Either side is gone; who measures sees it.
        }
    }
}
