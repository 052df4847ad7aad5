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

    private readonly Dictionary<string, (string Connection, AgentTunnel Tunnel)> _connections = [];
    private readonly Lock _lock = new();

    /// <summary>Serves a control connection until it ends.</summary>
    internal async Task ServeControlAsync(NodeEntry node, string connection, WebSocket socket, CancellationToken ct)
    {
        var (id, name) = (node.Row.Id, node.Row.Name);
        if (await HearAsync(socket, ct) is not NodeHello hello || !await GreetAsync(node.Row, hello, socket, ct))
            return;
        var tunnel = new AgentTunnel();
        lock (_lock)
            _connections[id] = (connection, tunnel);
        // A removed node, or a server that stops, has no use for the connection any more.
        using var over = CancellationTokenSource.CreateLinkedTokenSource(ct, node.Link.Ended);
        node.Link.Enter(tunnel);
        log.LogInformation("Node {Name} connected", name);
        nodes.Publish(node.Row);
        try
        {
            while (await HearAsync(socket, over.Token) is { } heard)
            {
                if (heard is NodeReport report)
                    await nodes.SaidAsync(id, before => Measured(before, report.Facts), over.Token);
            }
        }
        finally
        {
            socket.Abort();
            lock (_lock)
            {
                if (_connections.TryGetValue(id, out var now) && now.Tunnel == tunnel)
                    _connections.Remove(id);
            }

            if (node.Link.Leave(tunnel))
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
            if (!_connections.TryGetValue(node.Row.Id, out var found) || found.Connection != connection || found.Tunnel.Count >= MaximumStreams)
                return false;
            tunnel = found.Tunnel;
        }

        using var socket = await accept();
        await tunnel.ServeAsync(socket);
        return true;
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
}
