using System.Net;
using System.Net.Sockets;
using Berth.Contracts.Services;
using Berth.Tunnel;
using Berth.Tunnel.Resumable;

namespace Berth.Agent.Services;

/// <summary>Connects a stream to a port on the session's loopback.</summary>
internal sealed class TcpService : IService<TcpRequest>
{
    // Apps listen on either; almost all on the first.
    private static readonly IPAddress[] s_loopback = [IPAddress.Loopback, IPAddress.IPv6Loopback];

    public async Task<Serving> OpenAsync(TcpRequest request, CancellationToken ct)
    {
        if (request.Port is < 1 or > 65535)
            throw new StreamRefusedException($"{request.Port} is no port: ports are numbers from 1 to 65535.");
        var app = await ConnectAsync(request.Port, ct);
        return (stream, lost) => ServeAsync(app, stream, lost);
    }

    private static async Task ServeAsync(Socket socket, ResumableStream stream, CancellationToken lost)
    {
        await using var app = new SocketStream(socket);
        var there = ToAppAsync(stream, app, lost);
        try
        {
            await Splice.CopyAsync(app, stream, null, lost);
            await stream.CompleteWritesAsync(lost);
            await there;
        }
        catch (Exception e)
        {
            app.Abort();
            if (stream.Failure is null && e is IOException)
                throw new IOException("The connection inside the session was reset.", e);
            throw;
        }
    }

    private static async Task ToAppAsync(ResumableStream stream, SocketStream app, CancellationToken lost)
    {
        try
        {
            await Splice.CopyAsync(stream, app, null, lost);
            await app.CompleteWritesAsync(lost);
        }
        catch (IOException) when (stream.Failure is null)
        {
            // The app reads no more; what it said last is still on its way to the client.
        }
    }

    private static async Task<Socket> ConnectAsync(int port, CancellationToken ct)
    {
        var reason = $"Nothing listens on port {port} of the session.";
        foreach (var address in s_loopback)
        {
            var app = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            try
            {
                await app.ConnectAsync(new IPEndPoint(address, port), ct);
                return app;
            }
            catch (SocketException e)
            {
                app.Dispose();
                if (address.AddressFamily == AddressFamily.InterNetwork && e.SocketErrorCode != SocketError.ConnectionRefused)
                    reason = $"Port {port} of the session cannot be connected to: {e.Message}.";
            }
        }
        throw new StreamRefusedException(reason);
    }
}
