using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using Berth.Contracts.Sessions;
using Berth.Providers.Nodes;
using Berth.Server.Auth;
using Berth.Server.Live;
using Berth.Server.Options;
using Berth.Server.Sessions.Reconcile;
using Berth.Server.Storage;
using Dapper;

namespace Berth.Server.Nodes;

/// <summary>A node in memory.</summary>
/// <param name="Row">As stored.</param>
/// <param name="Link">The connection, which comes and goes.</param>
public sealed record NodeEntry(NodeRow Row, NodeLink Link)
{
    /// <summary>Whether it is connected, to this server or another one.</summary>
    public bool IsConnected => Link.IsConnected || Row.ConnectedTo is not null;

    /// <summary>What is first in the way of its taking sessions; ready: nothing.</summary>
    public string StateAt(DateTimeOffset now)
    {
        if (!IsConnected)
            return "away";
        if (Row.FactsOf?.Problem is not null)
            return "unwell";
        if (Row.Draining)
            return "draining";
        return Row.OfferOf is not { Uptime: { } uptime } offer || NodeRules.Window(uptime, offer.TimeZone).IsOpen(now) ? "ready" : "closed";
    }
}

/// <summary>
/// All nodes, in memory as one immutable map: each is a provider instance for as long as it has joined, connected or not.
/// Whoever changes a row reads it again here, and tells the other servers of the database to.
/// </summary>
public sealed partial class NodeDirectory : IHostedService, IDisposable
{
    private const string Words = "nodes";

    private readonly Db _db;
    private readonly ProviderInstances _instances;
    private readonly ReplicaChannel _channel;
    private readonly ChangeFeed _changes;
    private readonly ServerOptions _options;
    private readonly NodeLimits _limits;
    private readonly TimeProvider _clock;
    private readonly ILogger<NodeDirectory> _log;
    private readonly Replica _replica;
    private readonly SemaphoreSlim _reading = new(1);
    // What is in memory changes under this, and so does what of it is not saved.
    private readonly Lock _lock = new();
    private ImmutableDictionary<string, NodeEntry> _all = ImmutableDictionary<string, NodeEntry>.Empty;

    public NodeDirectory(
        Db db, Replica replica, ProviderInstances instances, ReplicaChannel channel, ChangeFeed changes, ServerOptions options, NodeLimits limits, TimeProvider clock,
        Revocations revocations, IHostApplicationLifetime lifetime, ILogger<NodeDirectory> log)
    {
        (_db, _replica, _instances, _channel, _changes, _options, _limits, _clock, _log) = (db, replica, instances, channel, changes, options, limits, clock, log);
        // Kestrel waits for open requests when it stops, and a node's never end by themselves.
        lifetime.ApplicationStopping.Register(EndLinks);
        channel.Heard += words => _ = words == Words ? ReadQuietlyAsync() : Task.CompletedTask;
        channel.Hearing += ReadAsync;
        revocations.Applied += what => _ = what.Kind == RevocationKind.Proof || _all.Values.All(n => n.Row.OwnerId != what.Id) ? Task.CompletedTask : ReadQuietlyAsync();
    }

    /// <summary>By name.</summary>
    public IReadOnlyList<NodeEntry> All => [.. _all.Values.OrderBy(n => n.Row.Name, StringComparer.OrdinalIgnoreCase)];

    public bool TryGet(string id, [NotNullWhen(true)] out NodeEntry? node) => _all.TryGetValue(id, out node);

    /// <summary>Of a provider instance; null: it is no node's, or the node was removed.</summary>
    public NodeEntry? OfInstance(string instance) =>
        instance.StartsWith(NodeRow.InstancePrefix, StringComparison.Ordinal) ? _all.GetValueOrDefault(instance[NodeRow.InstancePrefix.Length..]) : null;

    /// <summary>Something about a node is other than before: it joined, came or went, was changed, or measures something else.</summary>
    public event Action? Changed;

    /// <summary>A node's connection to this server is over: it has connected to another one, or its owner was disabled.</summary>
    public event Action<string>? Unwanted;

    public NodeEntry? WithToken(string hash) => _all.Values.FirstOrDefault(n => n.Row.Hash == hash);

    /// <summary>It takes nothing new; or takes sessions again.</summary>
    public Task DrainAsync(string id, bool draining, CancellationToken ct) =>
        ChangeAsync(connection => connection.ExecuteAsync("UPDATE nodes SET draining = @draining WHERE id = @id", new { draining, id }), ct);

    /// <summary>Runs a change of rows, and reads them again.</summary>
    public async Task<T> ChangeAsync<T>(Func<System.Data.Common.DbConnection, Task<T>> change, CancellationToken ct)
    {
        var result = await _db.WriteAsync(
            async connection =>
            {
                var changed = await change(connection);
                await _channel.TellAsync(connection, Words);
                return changed;
            },
            ct);
        // It is committed, whatever becomes of who asked: memory must not be left behind.
        await ReadAsync(CancellationToken.None);
        return result;
    }

    /// <summary>This server looks after a node from now on: it has its connection, or nobody has, whatever one that died left behind.</summary>
    private async Task LookAfterAsync(NodeEntry node, CancellationToken ct)
    {
        var (id, changed) = (node.Row.Id, false);
        var seen = await _db.WriteAsync(
            async connection =>
            {
                var (before, seen) = await connection.QuerySingleOrDefaultAsync<(string? ConnectedTo, long? LastSeen)>("SELECT connected_to, last_seen FROM nodes WHERE id = @id", new { id });
                var now = node.Link.IsConnected ? _replica.Name : null;
                if (changed = before != now)
                {
                    await connection.ExecuteAsync("UPDATE nodes SET connected_to = @now WHERE id = @id", new { id, now });
                    await _channel.TellAsync(connection, Words);
                }

                return seen;
            },
            ct);
        node.Link.LookAfter(seen is { } at ? DateTimeOffset.FromUnixTimeMilliseconds(at) : null);
        if (changed)
            await ReadAsync(ct);
    }

    /// <summary>Reads all rows: instances of new nodes appear, those of removed ones go.</summary>
    public async Task ReadAsync(CancellationToken ct)
    {
        await _reading.WaitAsync(ct);
        try
        {
            await using var connection = await _db.OpenAsync(ct);
            var rows = (await connection.QueryAsync<NodeRow>("SELECT n.*, u.username AS owner_name, coalesce(u.disabled, @no) AS owner_disabled FROM nodes n LEFT JOIN users u ON u.id = n.owner_id", new { no = false }))
                .ToDictionary(r => r.Id);
            ImmutableDictionary<string, NodeEntry> before;
            lock (_lock)
            {
                before = _all;
                _all = rows.Values.ToImmutableDictionary(r => r.Id, r => new NodeEntry(WithUnsaved(r), before.GetValueOrDefault(r.Id)?.Link ?? NewLink(r)));
            }

            foreach (var gone in before.Values.Where(n => !rows.ContainsKey(n.Row.Id)))
            {
                _instances.Remove(gone.Row.Instance);
                gone.Link.Dispose();
            }

            foreach (var come in _all.Values.Where(n => !before.ContainsKey(n.Row.Id)))
            {
                _instances.Add(new ProviderInstance(come.Row.Instance, new NodeProvider(come.Link), AgentsByNetwork: true)
                {
                    Title = come.Row.Name,
                    Taken = stop => LookAfterAsync(come, stop),
                });
            }

            foreach (var unwanted in _all.Values.Where(n => n.Row.OwnerDisabled || (before.GetValueOrDefault(n.Row.Id)?.Row.ConnectedTo == _replica.Name && n.Row.ConnectedTo is { } now && now != _replica.Name)))
                Unwanted?.Invoke(unwanted.Row.Id);
            foreach (var changed in _all.Values.Concat(before.Values).Where(n => NodeRules.Differ(before.GetValueOrDefault(n.Row.Id)?.Row, _all.GetValueOrDefault(n.Row.Id)?.Row)).DistinctBy(n => n.Row.Id))
                Publish(changed.Row);
        }
        finally
        {
            _reading.Release();
        }
    }

    /// <summary>Tells pages, and whoever places sessions, that something about a node is other than before.</summary>
    public void Publish(NodeRow row)
    {
        _changes.Publish(new Change("node", row.Id), row.OwnerId);
        Changed?.Invoke();
    }

    /// <summary>Before the reconciler begins, and before a node can connect.</summary>
    public Task StartAsync(CancellationToken cancellationToken) => ReadAsync(cancellationToken);

    public Task StopAsync(CancellationToken cancellationToken)
    {
        foreach (var node in _all.Values)
            Left(node.Row.Id);
        return Task.CompletedTask;
    }

    public void Dispose() => _reading.Dispose();

    private void EndLinks()
    {
        foreach (var node in _all.Values)
            node.Link.Dispose();
    }

    private NodeLink NewLink(NodeRow row) => new(
        row.Name, row.LastSeen is { } seen ? DateTimeOffset.FromUnixTimeMilliseconds(seen) : null, _options.NodeGrace, _limits, _clock);

    private async Task ReadQuietlyAsync()
    {
        try
        {
            await ReadAsync(CancellationToken.None);
        }
        catch (System.Data.Common.DbException e)
        {
            _log.LogWarning("The nodes could not be read again: {Why}", e.Message);
        }
    }
}
