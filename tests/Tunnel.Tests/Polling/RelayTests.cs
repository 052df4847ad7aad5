using System.Net;
using System.Net.Sockets;
using System.Net.WebSockets;
using Berth.Tunnel.Polling;
using Berth.Tunnel.Tests.House;

namespace Berth.Tunnel.Tests.Polling;

/// <summary>Whose turn it is on the thread that all relays of an agent share.</summary>
public sealed class RelayTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(1)]
    [InlineData(100)]
    [InlineData(100_000)]
    public async Task LittleIsPassedOnAtOnceAndMuchInThePool(int size)
    {
        var (polled, app) = await ConnectAsync();
        await using var _ = polled;
        using var __ = app;

        var (here, there) = Pair.Make();
        var watched = new Watched(here);
        using var carrier = WebSocket.CreateFromStream(watched, new WebSocketCreationOptions());
        using var server = WebSocket.CreateFromStream(there, new WebSocketCreationOptions { IsServer = true });
        using var over = CancellationTokenSource.CreateLinkedTokenSource(Ct);
        var running = new Relay(carrier, polled, over).RunAsync();

        // One by one: each waits for the next, which ends a turn. What carries much is in the pool from then on.
        var (message, buffer, total) = (new byte[size], new byte[128 * 1024], Math.Max(size, 64) * 64);
        for (var sent = 0; sent < total; sent += size)
        {
            await app.SendAsync(message, Ct);
            for (var received = 0; received < size;)
                received += (await server.ReceiveAsync(buffer.AsMemory(), Ct)).Count;
        }

        if (size < Splice.SmallBuffer)
            Assert.NotEqual(0, watched.OnThePoller);
        Assert.InRange(watched.MostInARow, 0, 32 * 1024 + 1024);
        await over.CancelAsync();
        await running;
    }

    [Fact]
    public async Task OfSmallPiecesThatAreAllThereAFewArePassedOnAtOnceAndTheRestInThePool()
    {
        var (polled, app) = await ConnectAsync();
        await using var _ = polled;
        using var __ = app;
        var line = new AllThere(1000);
        using var carrier = WebSocket.CreateFromStream(line, new WebSocketCreationOptions());
        using var over = CancellationTokenSource.CreateLinkedTokenSource(Ct);
        var running = new TaskCompletionSource<Task>(TaskCreationOptions.RunContinuationsAsynchronously);
        new Thread(() => running.SetResult(new Relay(carrier, polled, over).RunAsync())).Start();

        await new NetworkStream(app).ReadExactlyAsync(new byte[line.Pieces], Ct);
        Assert.InRange(line.OutsideThePool, 1, 33);
        await over.CancelAsync();
        await await running.Task;
    }

    private static async Task<(PolledSocket Relayed, Socket App)> ConnectAsync()
    {
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        var relayed = await PolledSocket.ConnectAsync(listener.LocalEndPoint!, Ct);
        var app = await listener.AcceptAsync(Ct);
        app.NoDelay = true;
        return (relayed, app);
    }

    /// <summary>Counts what is written on the poller's thread, and how much of it before anything was written elsewhere.</summary>
    private sealed class Watched(Stream below) : DuplexStream
    {
        private int _row;

        public int OnThePoller { get; private set; }
        public int MostInARow { get; private set; }

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => below.ReadAsync(buffer, cancellationToken);

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            if (Thread.CurrentThread.Name == "poller")
            {
                OnThePoller++;
                _row += buffer.Length;
                MostInARow = Math.Max(MostInARow, _row);
            }
            else
            {
                _row = 0;
            }
            return below.WriteAsync(buffer, cancellationToken);
        }

        public override Task CompleteWritesAsync(CancellationToken ct = default) => Task.CompletedTask;
        public override void Abort() => below.Dispose();
    }

    /// <summary>A line on which so many messages of a byte are there at once, and nothing after them.</summary>
    private sealed class AllThere(int pieces) : DuplexStream
    {
        private static readonly byte[] s_message = [0x82, 1, (byte)'x'];
        private readonly TaskCompletionSource<int> _never = new();
        private int _read;

        public int Pieces => pieces;
        public int OutsideThePool { get; private set; }

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            if (_read++ == pieces)
                return new(_never.Task.WaitAsync(cancellationToken));
            if (!Thread.CurrentThread.IsThreadPoolThread)
                OutsideThePool++;
            s_message.CopyTo(buffer);
            return new(s_message.Length);
        }

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) => ValueTask.CompletedTask;
        public override Task CompleteWritesAsync(CancellationToken ct = default) => Task.CompletedTask;
        public override void Abort() => _never.TrySetCanceled();
    }
}
