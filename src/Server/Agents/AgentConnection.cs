using System.IO.Pipelines;
using System.Net.Sockets;
using Berth.Tunnel.Polling;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http.Features;

namespace Berth.Server.Agents;

/// <summary>
/// A connection that came through a session's socket. Kestrel reads its request and answers it; the WebSocket that follows is
/// spoken on the socket itself. Kestrel's own connections copy all that passes once more, and hand it from thread to thread
/// twice each way, which costs more than the tunnel's own part in a small request.
/// </summary>
public sealed class AgentConnection : ConnectionContext, IDuplexPipe
{
    // A request's head; a read of nothing waits for it, and so a silent connection holds no memory for it.
    private static readonly StreamPipeReaderOptions s_reading = new(leaveOpen: true, useZeroByteReads: true);
    private static readonly StreamPipeWriterOptions s_writing = new(leaveOpen: true);

    private readonly CancellationTokenSource _closed = new();
    private readonly Socket _socket;
    private readonly Action _over;
    private int _disposed;

    /// <param name="sessionId">Whose socket it is.</param>
    /// <param name="socket">Accepted, and used by nobody else.</param>
    /// <param name="over">Told once, when it has ended.</param>
    /// <exception cref="IOException">The system has no room for it.</exception>
    public AgentConnection(string sessionId, Socket socket, Action over)
    {
        (SessionId, _socket, _over) = (sessionId, socket, over);
        Bytes = PolledSocket.Take(socket);
        // Kestrel's writers must not throw: who has gone is told as a connection that has closed.
        var bytes = new UnheardWrites(Bytes, () => Abort(new ConnectionAbortedException("The other side reads no more.")));
        (Input, Output) = (PipeReader.Create(bytes, s_reading), PipeWriter.Create(bytes, s_writing));
        Transport = this;
        ConnectionClosed = _closed.Token;
        Features.Set(this);
    }

    /// <summary>Whose socket it is.</summary>
    public string SessionId { get; }

    /// <summary>What comes and goes, with nothing in between.</summary>
    public PolledSocket Bytes { get; }

    public PipeReader Input { get; }

    public PipeWriter Output { get; }

    public override IDuplexPipe Transport { get; set; }

    public override string ConnectionId { get; set; } = Guid.NewGuid().ToString("N");

    public override IFeatureCollection Features { get; } = new FeatureCollection();

    public override IDictionary<object, object?> Items { get; set; } = new Dictionary<object, object?>();

    public override CancellationToken ConnectionClosed { get; set; }

    /// <summary>Middleware: what follows an upgrade are the socket's bytes.</summary>
    public static Task UseBytesAsync(HttpContext context, RequestDelegate next)
    {
        ArgumentNullException.ThrowIfNull(context);
        ArgumentNullException.ThrowIfNull(next);
        var connection = context.Features.GetRequiredFeature<AgentConnection>();
        if (context.Features.Get<IHttpUpgradeFeature>() is { IsUpgradableRequest: true } upgrade)
            context.Features.Set<IHttpUpgradeFeature>(new Upgrade(upgrade, new UnheardWrites(connection.Bytes)));
        return next(context);
    }

    /// <summary>Ends it: whoever reads finds its end, and whoever waits for that is told, but not from in here.</summary>
    public override void Abort(ConnectionAbortedException abortReason)
    {
        try
        {
            _socket.Shutdown(SocketShutdown.Both);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // It has ended already.
        }
        _ = _closed.CancelAsync();
    }

    public override async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0)
        {
            try
            {
                await Bytes.DisposeAsync();
            }
            finally
            {
                _ = _closed.CancelAsync();
                _over();
            }
        }
        await base.DisposeAsync();
    }

    private sealed class Upgrade(IHttpUpgradeFeature answer, Stream bytes) : IHttpUpgradeFeature
    {
        public bool IsUpgradableRequest => true;

        // Nobody says anything behind a request for an upgrade before it is answered: Kestrel has read nothing of what follows.
        public async Task<Stream> UpgradeAsync()
        {
            await answer.UpgradeAsync();
            return bytes;
        }
    }
}
