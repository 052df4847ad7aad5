using System.Net.WebSockets;
using System.Text;
using System.Text.Json;
using Berth.Contracts.Client;
using Berth.Contracts.Json;
using Berth.Contracts.Nodes;
using Berth.Fakes;
using Berth.Providers.Nodes;
using Berth.Server.Auth;
using Berth.Server.Nodes;
using Berth.Server.Storage;
using Berth.Server.Tests.Sessions;
using Berth.Tunnel;

namespace Berth.Server.Tests.Nodes;

/// <summary>A machine that joined, whose engine is made up: it says what a test has it say, over a real connection.</summary>
internal sealed class FakeNode : IAsyncDisposable
{
    private SessionServer _server;
    private ServerDialer? _dialer;
    private CancellationTokenSource _over = new();
    private WebSocket? _socket;
    private Task _tunnel = Task.CompletedTask;
    private Task _listening = Task.CompletedTask;

    private FakeNode(SessionServer server, JoinAnswer joined, string token) => (_server, Joined, Token) = (server, joined, token);

    public JoinAnswer Joined { get; }

    /// <summary>Its own.</summary>
    public string Token { get; }

    public FakeCompute Compute { get; } = new();

    /// <summary>It connects, and then answers no call.</summary>
    public bool Deaf { get; set; }

    /// <summary>What it does with a stream on which the server calls it; null: what its compute says.</summary>
    public Func<Stream, CancellationToken, Task>? OnCall { get; set; }

    /// <summary>A proxy's address, by way of which it connects.</summary>
    public string? Through { get; init; }

    public NodeOffer Offer { get; init; } = new();

    public NodeFacts Facts { get; set; } = new() { Engine = "Docker 1", Cpu = 8, MemoryBytes = 16L << 30, MemoryFreeBytes = 12L << 30, DiskFreeBytes = 100L << 30 };

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    /// <summary>Joins with a token of this user's, and connects.</summary>
    public static async Task<FakeNode> JoinAsync(SessionServer server, string name, Caller by, bool own = false, NodeOffer? offer = null, NodeFacts? facts = null, string? through = null)
    {
        var token = await server.Service<NodeJoins>().CreateAsync(by, new NodeTokenRequest(own), Ct);
        using var client = new ApiClient(new HttpClient { BaseAddress = new Uri(server.Address + "/") });
        var secret = NodeSecret.New();
        var node = new FakeNode(server, await client.JoinNodeAsync(new JoinRequest(token.Token, name, secret), Ct), secret) { Offer = offer ?? new NodeOffer(), Through = through };
        node.Facts = facts ?? node.Facts;
        await node.ConnectAsync();
        return node;
    }

    /// <summary>Begins a connection beside the one that it has, and says nothing on it.</summary>
    public async Task<(WebSocket Socket, ServerDialer Dialer)> BeginAsync()
    {
        var dialer = new ServerDialer(_server.Address, Token);
        return (await dialer.ConnectAsync(NodeRoutes.Control, Guid.NewGuid().ToString("N"), Ct), dialer);
    }

    /// <summary>Says who it is on a connection.</summary>
    public Task GreetAsync(WebSocket socket, NodeOffer? offer = null) => SendAsync(socket, new NodeHello("1.2.3", offer ?? Offer, Facts));

    /// <summary>Completes once the server, or whoever is in between, has ended its connection.</summary>
    public Task Ended => _listening;

    /// <summary>Connects to another server of the same database. It ends no connection that it has.</summary>
    public Task ConnectAsync(SessionServer server)
    {
        _server = server;
        return ConnectAsync();
    }

    public async Task ConnectAsync()
    {
        var connection = Guid.NewGuid().ToString("N");
        // A server that started again has another address.
        var dialer = _dialer = new ServerDialer(Through ?? _server.Address, Token);
        _socket = await dialer.ConnectAsync(NodeRoutes.Control, connection, Ct);
        await GreetAsync(_socket);
        var buffer = new byte[4096];
        var heard = await _socket.ReceiveAsync(buffer.AsMemory(), Ct);
        var welcome = Assert.IsType<NodeWelcome>(JsonSerializer.Deserialize(buffer.AsSpan(0, heard.Count), NodeJson.Default.NodeMessage));
        _over = new CancellationTokenSource();
        _listening = ListenAsync(_socket);
        var client = new TunnelClient(ct => dialer.ConnectAsync(NodeRoutes.Stream, connection, ct), (stream, stop) => (OnCall ?? new NodeCalls(Compute).ServeAsync)(stream, stop)) { Wanted = welcome.Streams };
        _tunnel = Deaf ? Task.CompletedTask : client.RunAsync(_over.Token);
        await _server.Service<NodeDirectory>().All.Single(n => n.Row.Id == Joined.Id).Link.ConnectedAsync(Ct);
    }

    /// <summary>Says what it measures now.</summary>
    public Task ReportAsync() => SendAsync(_socket!, new NodeReport(Facts));

    /// <summary>Says this, whatever it is.</summary>
    public async Task SayAsync(string words) => await _socket!.SendAsync(Encoding.UTF8.GetBytes(words), WebSocketMessageType.Text, true, Ct);

    /// <summary>The line is cut; what runs on it goes on.</summary>
    public async Task CutAsync()
    {
        _socket?.Abort();
        await _over.CancelAsync();
        await _tunnel;
        await _listening;
        var here = _server.Service<Replica>().Name;
        await Eventually.TrueAsync(
            () => _server.Service<NodeDirectory>().All.FirstOrDefault(n => n.Row.Id == Joined.Id) is not { } entry || (!entry.Link.IsConnected && entry.Row.ConnectedTo != here),
            "the server knows that it is gone");
    }

    public async ValueTask DisposeAsync()
    {
        await CutAsync();
        _socket?.Dispose();
        _dialer?.Dispose();
        _over.Dispose();
    }

    // Pings are answered by who reads.
    private static async Task ListenAsync(WebSocket socket)
    {
        try
        {
            while (await socket.ReceiveAsync(new byte[4096].AsMemory(), CancellationToken.None) is { MessageType: not WebSocketMessageType.Close })
            {
                // The server says nothing more.
            }
        }
        catch (Exception e) when (e is WebSocketException or OperationCanceledException)
        {
            // It is over.
        }
    }

    private static async Task SendAsync(WebSocket socket, NodeMessage message) =>
        await socket.SendAsync(JsonSerializer.SerializeToUtf8Bytes(message, NodeJson.Default.NodeMessage), WebSocketMessageType.Text, true, Ct);
}
