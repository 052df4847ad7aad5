using System.Net.Sockets;
using Berth.Core.Agents;
using Berth.Node;

namespace Berth.Providers.Tests.Nodes;

/// <summary>What comes through a session's socket on a node.</summary>
public sealed class SessionSocketsTests : IAsyncDisposable
{
    private const string One = "01HXXXXXXXXXXXXXXXXXXXXXXA";
    private const string Other = "01HXXXXXXXXXXXXXXXXXXXXXXB";
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("berth-k-");
    private readonly AgentRelay _relay = new("http://127.0.0.1:1", null);
    private readonly SessionSockets _sockets;
    private readonly List<Socket> _open = [];

    public SessionSocketsTests() => _sockets = new SessionSockets(Path.Combine(_folder.FullName, "s"), _relay, most: 3);

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public async ValueTask DisposeAsync()
    {
        _open.ForEach(socket => socket.Dispose());
        await _sockets.DisposeAsync();
        _relay.Dispose();
        _folder.Delete(recursive: true);
    }

    [Fact]
    public async Task ASessionHasSoManyConnectionsAndLeavesOthersRoom()
    {
        _sockets.Open(One);
        _sockets.Open(Other);
        for (var i = 0; i < 3; i++)
            await ConnectAsync(One);
        Assert.Equal(0, await ReadAsync(await ConnectAsync(One))); // closed at once

        // Another session is served: what it asks for is refused in words.
        var other = await ConnectAsync(Other);
        await other.SendAsync("GET /elsewhere HTTP/1.1\r\n\r\n"u8.ToArray(), Ct);
        Assert.NotEqual(0, await ReadAsync(other));

        // And so is this one again, once it has closed some.
        _open[0].Dispose();
        while (await AsksAsync() == 0)
        {
            // That it is closed is on its way.
        }
    }

    private async Task<int> AsksAsync()
    {
        using var socket = await ConnectAsync(One);
        try
        {
            await socket.SendAsync("GET /elsewhere HTTP/1.1\r\n\r\n"u8.ToArray(), Ct);
            return await ReadAsync(socket);
        }
        catch (SocketException)
        {
            return 0;
        }
    }

    private static async Task<int> ReadAsync(Socket socket) => await socket.ReceiveAsync(new byte[100], Ct).AsTask().WaitAsync(TimeSpan.FromSeconds(20), Ct);

    private async Task<Socket> ConnectAsync(string session)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        _open.Add(socket);
        await socket.ConnectAsync(new UnixDomainSocketEndPoint(Path.Combine(_folder.FullName, "s", session.ToLowerInvariant(), AgentFiles.Socket)), Ct);
        return socket;
    }
}
