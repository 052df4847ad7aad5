using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Security.Cryptography;
using Berth.Fakes;
using Berth.Tunnel.Resumable;
using Berth.Tunnel.Tests.House;

namespace Berth.Tunnel.Tests.Faults;

/// <summary>Resumable streams over a real line of 50 ms that loses one packet in a hundred, as a bad wireless network does.</summary>
[Trait("Needs", "root")]
public sealed class LossyLineTests
{
    private const int Size = 1 << 20;
    private const int Keys = 50;
    private const int EthernetMtu = 1500;
    private static readonly TimeSpan s_roundTrip = TimeSpan.FromMilliseconds(50);

    private static CancellationToken Ct => World.Ct;

    [Fact]
    public async Task ACopyArrivesWholeAndKeysAreEchoedMeanwhileOnOneLineEach()
    {
        using var far = FarNetwork.TryMake(s_roundTrip, loss: 0.01, EthernetMtu, out var why);
        Assert.SkipWhen(far is null, $"There is no lossy line: {why}.");
        using var listener = far!.Listen();
        var host = new ResumableHost((_, _) => Task.FromResult<Serving>(World.EchoAsync), new ResumableOptions());
        var carriers = 0;
        _ = ServeAsync();

        await using var copy = await OpenAsync();
        await using var keys = await OpenAsync();
        var sent = RandomNumberGenerator.GetBytes(Size);
        var writing = copy.WriteAsync(sent, Ct).AsTask();
        var reading = ReadAsync(copy);
        var slowest = TimeSpan.Zero;
        for (var i = 0; i < Keys; i++)
        {
            var watch = Stopwatch.StartNew();
            await keys.WriteAsync(new[] { (byte)i }, Ct);
            var echo = new byte[1];
            await keys.ReadExactlyAsync(echo, Ct);
            Assert.Equal(i, echo[0]);
            slowest = watch.Elapsed > slowest ? watch.Elapsed : slowest;
        }
        await writing;
        Assert.Equal(SHA256.HashData(sent), SHA256.HashData(await reading));

        Assert.True(far.Lost > 10, $"{far.Lost} packets were lost");
        // TCP's own retransmission is enough: no line was taken for a dead one.
        Assert.Equal(2, carriers);
        Assert.InRange(slowest, s_roundTrip, TimeSpan.FromSeconds(10));

        Task<ResumableStream> OpenAsync() => ResumableClient.OpenAsync(
            async ct =>
            {
                Interlocked.Increment(ref carriers);
                var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
                await socket.ConnectAsync(far.Far, ((IPEndPoint)listener.LocalEndpoint).Port, ct);
                return Carrier(socket, isServer: false);
            },
            "request"u8.ToArray(), new ResumableOptions(), Ct);

        async Task ServeAsync()
        {
            while (true)
                _ = host.ServeAsync(Carrier(await listener.AcceptSocketAsync(Ct), isServer: true), CancellationToken.None);
        }
    }

    // What a command and an agent are connected by.
    private static TunnelStream Carrier(Socket socket, bool isServer)
    {
        socket.NoDelay = true;
        return new TunnelStream(WebSocket.CreateFromStream(new NetworkStream(socket, ownsSocket: true), new WebSocketCreationOptions { IsServer = isServer }));
    }

    private static async Task<byte[]> ReadAsync(ResumableStream stream)
    {
        var back = new byte[Size];
        await stream.ReadExactlyAsync(back, Ct);
        return back;
    }
}
