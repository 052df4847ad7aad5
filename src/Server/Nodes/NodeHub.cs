using System.Net.WebSockets;
using System.Text.Json;
using Berth.Contracts.Json;
using Berth.Contracts.Nodes;
using Berth.Providers.Nodes;
using Berth.Server.Problems;
using Berth.Server.Storage;
using Berth.Tunnel;

namespace Berth.Server.Nodes;

/// <summary>Serves the connections of nodes: each has a control connection, and the streams that belong to it.</summary>
public sealed class NodeHub
{
    private const int IdleStreams = 4;
    private const int MaximumStreams = 256;
    private const int LongestMessage = 256 * 1024;

    private readonly NodeDirectory _nodes;
    private readonly Replica _replica;
    private readonly NodeLimits _limits;
    private readonly TimeProvider _clock;
    private readonly ILogger<NodeHub> _log;
    private readonly Dictionary<string, Line> _lines = [];
    private readonly Lock _lock = new();
    private long _begun;

    public NodeHub(NodeDirectory nodes, Replica replica, NodeLimits limits, TimeProvider clock, ILogger<NodeHub> log)
    {
        (_nodes, _replica, _limits, _clock, _log) = (nodes, replica, limits, clock, log);
        Door = new NodeDoor(limits, clock);
        nodes.Unwanted += End;
    }

    /// <summary>Where connections wait until their node says who it is.</summary>
    internal NodeDoor Door { get; }

    /// <summary>Serves a control connection until it ends, or until the node has begun another.</summary>
    /// <param name="node">Whose.</param>
    /// <param name="connection">The name that the node gave to it.</param>
    /// <param name="place">At the door, until it comes in.</param>
    /// <param name="socket">The connection itself.</param>
    /// <param name="ct">Ends it.</param>
    internal async Task ServeControlAsync(NodeEntry node, string connection, IDisposable place, WebSocket socket, CancellationToken ct)
    {
        var line = new Line(Interlocked.Increment(ref _begun), connection, socket, new AgentTunnel());
        // A removed node, or a server that stops, has no use for the connection any more.
        using var over = CancellationTokenSource.CreateLinkedTokenSource(ct, node.Link.Ended);
        if (await HelloAsync(node.Row, socket, over.Token) is not { } hello || await OfferAsync(node.Row, hello, socket, ct) is not { } offer || !Enter(node, line))
            return;
        place.Dispose();
        _log.LogInformation("Node {Name} connected", node.Row.Name);
        string? why = null;
        try
        {
            _nodes.Said(node.Row.Id, before => Greeted(before, hello, offer), begins: true);
            _nodes.Publish(node.Row);
            // Who was disabled between the first look and now was told to nobody.
            if (_nodes.TryGet(node.Row.Id, out var now) && now.Row.OwnerDisabled)
                return;
            await WelcomeAsync(socket, over.Token);
            // Not until the request is aborted: that a line was cut shows in the read, which tells how.
            why = await HearAllAsync(node.Row, socket, node.Link.Ended);
        }
        finally
        {
            socket.Abort();
            why = line.Unwanted ? null : why;
            if (Leave(node, line, why))
            {
                _log.LogInformation("Node {Name} disconnected{Why}", node.Row.Name, why is null ? "" : $": {why}");
                _nodes.Left(node.Row.Id);
                _nodes.Publish(node.Row);
            }
        }
    }

    /// <summary>Serves a dial-back stream until it ends.</summary>
    /// <returns>False when its control connection is not there (any more).</returns>
    internal async Task<bool> ServeStreamAsync(NodeEntry node, string connection, Func<Task<WebSocket>> accept)
    {
        AgentTunnel tunnel;
        lock (_lock)
        {
            if (!_lines.TryGetValue(node.Row.Id, out var line) || line.Connection != connection || line.Tunnel.Count >= MaximumStreams)
                return false;
            tunnel = line.Tunnel;
        }

        using var socket = await accept();
        await tunnel.ServeAsync(socket);
        return true;
    }

    /// <summary>
    /// A node has one connection: whoever begins another has given up the earlier one, even if that was not noticed here, or
    /// is taken in later because it was slow. That one is ended, for nothing is asked over it any more.
    /// </summary>
    /// <returns>False: this is the earlier one.</returns>
    private bool Enter(NodeEntry node, Line line)
    {
        Line? earlier;
        lock (_lock)
        {
            if (_lines.TryGetValue(node.Row.Id, out earlier) && earlier.Number > line.Number)
                return false;
            _lines[node.Row.Id] = line;
            node.Link.Enter(line.Tunnel);
        }

        earlier?.Socket.Abort();
        return true;
    }

    /// <returns>Whether the node is away now.</returns>
    private bool Leave(NodeEntry node, Line line, string? why)
    {
        lock (_lock)
        {
            if (ReferenceEquals(_lines.GetValueOrDefault(node.Row.Id), line))
                _lines.Remove(node.Row.Id);
            return node.Link.Leave(line.Tunnel, why);
        }
    }

    /// <summary>Its connection to this server is over.</summary>
    private void End(string id)
    {
        lock (_lock)
        {
            if (_lines.GetValueOrDefault(id) is not { } line)
                return;
            line.Unwanted = true;
            line.Socket.Abort();
        }
    }

    /// <summary>What it says first; null: nothing of use, for long.</summary>
    private async Task<NodeHello?> HelloAsync(NodeRow row, WebSocket socket, CancellationToken ct)
    {
        using var tooLong = new CancellationTokenSource(_limits.Hello, _clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(ct, tooLong.Token);
        var hello = (await HearAsync(socket, either.Token)).Message is NodeHello { Version: not null, Offer: not null, Facts.Gpus: not null } whole ? whole : null;
        if (tooLong.IsCancellationRequested)
            _log.LogWarning("Node {Name} began a connection and did not say on it who it is", row.Name);
        await Door.PaceAsync(row.Id, ct).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return hello;
    }

    /// <summary>What it offers; null after it was told that it cannot be.</summary>
    private async Task<string?> OfferAsync(NodeRow row, NodeHello hello, WebSocket socket, CancellationToken ct)
    {
        try
        {
            return JsonSerializer.Serialize(NodeRules.Checked(hello.Offer), NodeJson.Default.NodeOffer);
        }
        catch (ProblemException e)
        {
            _log.LogWarning("Node {Name} offers what cannot be: {Why}", row.Name, e.Message);
            await TrySendAsync(socket.CloseOutputAsync(WebSocketCloseStatus.PolicyViolation, e.Message.Length > 120 ? e.Message[..120] : e.Message, ct));
            return null;
        }
    }

    private static Task WelcomeAsync(WebSocket socket, CancellationToken ct) =>
        TrySendAsync(socket.SendAsync(new NodeWelcome(IdleStreams), NodeJson.Default.NodeMessage, ct));

    private static async Task TrySendAsync(Task sending)
    {
        try
        {
            await sending;
        }
        catch (Exception e) when (e is WebSocketException or OperationCanceledException or ObjectDisposedException)
        {
            // It went away meanwhile, which the next read shows.
        }
    }

    private NodeRow Greeted(NodeRow before, NodeHello hello, string offer) => Measured(before, hello.Facts) with
    {
        Offer = offer,
        Version = hello.Version.Length > 50 ? hello.Version[..50] : hello.Version,
        ConnectedTo = _replica.Name,
    };

    private NodeRow Measured(NodeRow before, NodeFacts facts) => before with
    {
        Facts = JsonSerializer.Serialize(NodeRules.Bounded(facts, before.FactsOf), NodeJson.Default.NodeFacts),
        LastSeen = _clock.GetUtcNow().ToUnixTimeMilliseconds(),
    };

    /// <summary>Takes in what it says, until the connection ends.</summary>
    /// <returns>Why it did.</returns>
    private async Task<string> HearAllAsync(NodeRow row, WebSocket socket, CancellationToken ct)
    {
        while (true)
        {
            var (heard, why) = await HearAsync(socket, ct);
            if (heard is null)
                return why;
            if (heard is NodeReport { Facts.Gpus: not null } report)
                _nodes.Said(row.Id, before => Measured(before, report.Facts));
            // What it says faster waits in its own connection.
            await Task.Delay(_limits.Pause, _clock, ct).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>The next message; none at the end of the connection, and why it ended. What a node says is not trusted.</summary>
    private static async Task<(NodeMessage? Message, string Why)> HearAsync(WebSocket socket, CancellationToken ct)
    {
        const string closed = "its connection was closed, there or on the way";
        try
        {
            return (await socket.ReceiveAsync(NodeJson.Default.NodeMessage, LongestMessage, ct), closed);
        }
        catch (Exception e) when (e is JsonException or IOException)
        {
            return (null, "it said what this server cannot read");
        }
        catch (OperationCanceledException) when (socket.State == WebSocketState.Aborted)
        {
            return (null, "it stopped answering"); // Who answers no ping is cut from here.
        }
        catch (Exception e) when (e is WebSocketException or OperationCanceledException or ObjectDisposedException)
        {
            return (null, closed);
        }
    }

    /// <summary>One control connection of a node, and the streams that belong to it.</summary>
    /// <param name="Number">Grows with every connection that a node begins.</param>
    /// <param name="Connection">The name that the node gave to it.</param>
    /// <param name="Socket">The connection itself.</param>
    /// <param name="Tunnel">Its streams.</param>
    private sealed record Line(long Number, string Connection, WebSocket Socket, AgentTunnel Tunnel)
    {
        /// <summary>This server ended it.</summary>
        public bool Unwanted { get; set; }
    }
}
