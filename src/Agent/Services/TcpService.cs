using Berth.Contracts.Services;
using Berth.Tunnel;
using Berth.Tunnel.Resumable;

namespace Berth.Agent.Services;

/// <summary>Connects a stream to a port on the session's loopback.</summary>
internal sealed class TcpService(Loopback loopback) : IService<TcpRequest>
{
    public async Task<Serving> OpenAsync(TcpRequest request, CancellationToken ct)
    {
        if (request.Port is < 1 or > 65535)
            throw new StreamRefusedException($"{request.Port} is no port: ports are numbers from 1 to 65535.");
        var app = await ConnectAsync(request.Port, ct);
        return (stream, lost) => ServeAsync(app, stream, lost);
    }

    private static async Task ServeAsync(DuplexStream connected, ResumableStream stream, CancellationToken lost)
    {
        await using var app = connected;
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

    private static async Task ToAppAsync(ResumableStream stream, DuplexStream app, CancellationToken lost)
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

    private async Task<DuplexStream> ConnectAsync(int port, CancellationToken ct)
    {
        var (app, failure) = await loopback.ConnectAsync(port, ct);
        return app ?? throw new StreamRefusedException(
            failure is null ? $"Nothing listens on port {port} of the session." : $"Port {port} of the session cannot be connected to: {failure.Message}.");
    }
}
