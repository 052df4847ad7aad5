using System.Net;
using System.Net.Sockets;
using System.Net.WebSockets;

namespace Berth.Tunnel.Tests;

public sealed class ServerDialerTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task AServerThatTakesConnectionsAndNeverAnswersIsGivenUp(bool here)
    {
        using var folder = new TemporaryFolder();
        var path = Path.Combine(folder.Path, "agent.sock");
        using var dead = new Socket(here ? AddressFamily.Unix : AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Unspecified);
        dead.Bind(here ? new UnixDomainSocketEndPoint(path) : new IPEndPoint(IPAddress.Loopback, 0));
        dead.Listen();
        using var dialer = new ServerDialer(here ? $"unix:{path}" : $"http://{dead.LocalEndPoint}", "token", answersWithin: TimeSpan.FromMilliseconds(100));

        var given = await Assert.ThrowsAsync<WebSocketException>(() => dialer.ConnectAsync("/x", "connection", Ct).WaitAsync(TimeSpan.FromSeconds(30), Ct));
        Assert.Contains("did not answer within 0.1 s", given.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task WhoeverGivesUpIsNotToldThatTheServerIsSlow()
    {
        using var dead = new TcpListener(IPAddress.Loopback, 0);
        dead.Start();
        using var dialer = new ServerDialer($"http://{dead.LocalEndpoint}", "token");
        using var enough = CancellationTokenSource.CreateLinkedTokenSource(Ct);
        var dial = dialer.ConnectAsync("/x", "connection", enough.Token);
        using var taken = await dead.AcceptSocketAsync(Ct);
        await enough.CancelAsync();
        var given = await Assert.ThrowsAnyAsync<Exception>(() => dial);
        Assert.DoesNotContain("did not answer", given.Message, StringComparison.Ordinal);
    }

    private sealed class TemporaryFolder : IDisposable
    {
        public string Path { get; } = Directory.CreateTempSubdirectory("berth-d-").FullName;

        public void Dispose() => Directory.Delete(Path, recursive: true);
    }
}
