using System.Net.WebSockets;
using System.Text.Json;
using Berth.Contracts.Json;
using Berth.Contracts.Nodes;
using Berth.Server.Problems;
using Berth.Server.Storage;
using Berth.Tunnel;

namespace Berth.Server.Nodes;

/// <summary>Serves the connections of nodes: each has a control connection, and the streams that belong to it.</summary>
public sealed class NodeHub(NodeDirectory nodes, Db db, TimeProvider clock, ILogger<NodeHub> log)
{
    private const int IdleStreams = 4;
    private const int MaximumStreams = 256;
    private const int LongestMessage = 256 * 1024;

    private readonly Dictionary<string, Line> _lines = [];
    private readonly Lock _lock = new();
    private long _begun;

    /// <summary>Serves a control connection until it ends, or until the node has begun another.</summary>
    internal async Task ServeControlAsync(NodeEntry node, string connection, WebSocket socket, CancellationToken ct)
    {
        var line = new Line(Interlocked.Increment(ref _begun), connection, socket, new AgentTunnel());
        // A removed node, or a server that stops, has no use for the connection any more.
        using var over = CancellationTokenSource.CreateLinkedTokenSource(ct, node.Link.Ended);
        if (await HearAsync(socket, ct) is not NodeHello hello || !await GreetAsync(node.Row, hello, socket, ct) || !Enter(node, line))
            return;
        log.LogInformation("Node {Name} connected", node.Row.Name);
        nodes.Publish(node.Row);
        try
        {
            while (await HearAsync(socket, over.Token) is { } heard)
            {
                if (heard is NodeReport report)
                    await nodes.SaidAsync(node.Row.Id, before => Measured(before, report.Facts), over.Token);
            }
        }
        finally
        {
            socket.Abort();
            if (Leave(node, line))
                await LeftAsync(node.Row);
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
    private bool Leave(NodeEntry node, Line line)
    {
        lock (_lock)
        {
            if (ReferenceEquals(_lines.GetValueOrDefault(node.Row.Id), line))
                _lines.Remove(node.Row.Id);
            return node.Link.Leave(line.Tunnel);
        }
    }

    private async Task<bool> GreetAsync(NodeRow row, NodeHello hello, WebSocket socket, CancellationToken ct)
    {
        try
        {
            var offer = NodeRules.Checked(hello.Offer);
            await nodes.SaidAsync(
                row.Id,
                before => Measured(before, hello.Facts) with
                {
                    Offer = JsonSerializer.Serialize(offer, NodeJson.Default.NodeOffer),
                    Version = hello.Version.Length > 50 ? hello.Version[..50] : hello.Version,
                },
                ct);
            await socket.SendAsync(new NodeWelcome(IdleStreams), NodeJson.Default.NodeMessage, ct);
            return true;
        }
        catch (ProblemException e)
        {
            log.LogWarning("Node {Name} offers what cannot be: {Why}", row.Name, e.Message);
            await socket.CloseOutputAsync(WebSocketCloseStatus.PolicyViolation, e.Message.Length > 120 ? e.Message[..120] : e.Message, ct);
            return false;
        }
        catch (WebSocketException)
        {
            return false; // It went away meanwhile.
        }
    }

    private NodeRow Measured(NodeRow before, NodeFacts facts) => before with
    {
        Facts = JsonSerializer.Serialize(NodeRules.Bounded(facts), NodeJson.Default.NodeFacts),
        LastSeen = clock.GetUtcNow().ToUnixTimeMilliseconds(),
    };

    private async Task LeftAsync(NodeRow row)
    {
        log.LogInformation("Node {Name} disconnected", row.Name);
        try
        {
            await db.ExecuteAsync("UPDATE nodes SET last_seen = @Now WHERE id = @Id", new { row.Id, Now = clock.GetUtcNow().ToUnixTimeMilliseconds() }, CancellationToken.None);
        }
        catch (Exception e) when (e is System.Data.Common.DbException or ObjectDisposedException)
        {
            log.LogDebug("When {Name} was heard of last could not be kept: {Why}", row.Name, e.Message);
        }

        nodes.Publish(row);
    }

    /// <summary>The next message; null at the end of the connection, however it came. What a node says is not trusted.</summary>
    private static async Task<NodeMessage?> HearAsync(WebSocket socket, CancellationToken ct)
    {
        try
        {
            return await socket.ReceiveAsync(NodeJson.Default.NodeMessage, LongestMessage, ct);
        }
        catch (Exception e) when (e is WebSocketException or IOException or OperationCanceledException or ObjectDisposedException or JsonException)
        {
            return null;
        }
    }

    /// <summary>One control connection of a node, and the streams that belong to it.</summary>
    /// <param name="Number">Grows with every connection that a node begins.</param>
    /// <param name="Connection">The name that the node gave to it.</param>
    /// <param name="Socket">The connection itself.</param>
    /// <param name="Tunnel">Its streams.</param>
    private sealed record Line(long Number, string Connection, WebSocket Socket, AgentTunnel Tunnel);
}
