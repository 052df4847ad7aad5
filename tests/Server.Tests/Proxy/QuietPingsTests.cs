using System.Net.WebSockets;
using System.Text;
using Berth.Fakes;
using Berth.Server.Proxy;

namespace Berth.Server.Tests.Proxy;

/// <summary>Pings to visitors of WebSockets on which nobody says anything.</summary>
public sealed class QuietPingsTests
{
    private static readonly TimeSpan s_every = TimeSpan.FromSeconds(15);
    private static readonly byte[] s_ping = [0x89, 0];
    private readonly ManualClock _clock = new(new DateTimeOffset(2026, 3, 1, 12, 0, 0, TimeSpan.Zero));

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task APingComesAfterSilenceAloneAndNeverWithinAFrame()
    {
        using var visitor = new MemoryStream();
        using var pings = new QuietPings(visitor, s_every, _clock);
        byte[] frame = [0x81, 4, .. "word"u8];
        await pings.WriteAsync(frame.AsMemory(0, 3), Ct);
        _clock.Advance(s_every);
        _clock.Advance(s_every);
        Assert.Equal(frame[..3], visitor.ToArray());

        await pings.WriteAsync(frame.AsMemory(3), Ct);
        _clock.Advance(s_every);
        Assert.Equal(frame, visitor.ToArray());
        _clock.Advance(s_every);
        Assert.Equal([.. frame, .. s_ping], visitor.ToArray());

        await pings.WriteAsync(new byte[] { 0x88, 0 }, Ct);
        _clock.Advance(s_every);
        _clock.Advance(s_every);
        Assert.Equal([.. frame, .. s_ping, 0x88, 0], visitor.ToArray());
    }

    [Fact]
    public async Task AWebSocketOfASilentAppOutlivesAProxyThatClosesWhatIsSilent()
    {
        var folder = Directory.CreateTempSubdirectory("berth-proxy-");
        await using (var app = await App.StartAsync())
        await using (var server = await ProxyServer.StartAsync(folder.FullName, pingEvery: TimeSpan.FromSeconds(0.5)))
        {
            var session = server.AddSession(app.Port);
            using var entered = await server.EnterAsync(session);
            await using var proxy = new ImpatientProxy(server.Port, TimeSpan.FromSeconds(3));
            using var browser = new Browser(proxy.Port);
            foreach (var (host, jar) in entered.Cookies)
                browser.Cookies[host] = jar;
            var origin = server.OriginOf(session);
            using var socket = await browser.SocketAsync(origin + "/socket", origin);
            var answer = socket.ReceiveAsync(new byte[100].AsMemory(), Ct).AsTask();

            await proxy.OutliveAsync(3, Ct);
            Assert.Equal((1, 0), (proxy.Lines, proxy.Closed));
            await socket.SendAsync(Encoding.UTF8.GetBytes("still here"), WebSocketMessageType.Text, true, Ct);
            Assert.Equal((10, WebSocketMessageType.Text), ((await answer).Count, (await answer).MessageType));
        }

        folder.Delete(recursive: true);
    }
}
