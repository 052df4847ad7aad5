using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using Berth.Contracts.Sessions;
using Berth.Providers.Nodes;
using Berth.Server.Live;
using Berth.Server.Options;
using Berth.Server.Sessions.Reconcile;
using Berth.Server.Storage;
using Dapper;

namespace Berth.Server.Nodes;

/// <summary>A node in memory.</summary>
/// <param name="Row">As stored.</param>
/// <param name="Link">The connection, which comes and goes.</param>
public sealed record NodeEntry(NodeRow Row, NodeLink Link);

/// <summary>
/// All nodes, in memory as one immutable map: each is a provider instance for as long as it has joined, connected or not.
/// Whoever changes a row reads it again here, and tells the other servers of the database to.
/// </summary>
public sealed class NodeDirectory : IHostedService, IDisposable
{
    private const string Words = "nodes";

    private readonly Db _db;
    private readonly ProviderInstances _instances;
    private readonly ReplicaChannel _channel;
    private readonly ChangeFeed _changes;
    private readonly ServerOptions _options;
    private readonly TimeProvider _clock;
    private readonly ILogger<NodeDirectory> _log;
    private readonly SemaphoreSlim _reading = new(1);
    private ImmutableDictionary<string, NodeEntry> _all = ImmutableDictionary<string, NodeEntry>.Empty;

    public NodeDirectory(
        Db db, ProviderInstances instances, ReplicaChannel channel, ChangeFeed changes, ServerOptions options, TimeProvider clock, ILogger<NodeDirectory> log)
    {
        (_db, _instances, _channel, _changes, _options, _clock, _log) = (db, instances, channel, changes, options, clock, log);
        channel.Heard += words => _ = words == Words ? ReadQuietlyAsync() : Task.CompletedTask;
        channel.Hearing += ReadAsync;
    }

    /// <summary>By name.</summary>
    public IReadOnlyList<NodeEntry> All => [.. _all.Values.OrderBy(n => n.Row.Name, StringComparer.OrdinalIgnoreCase)];

    public bool TryGet(string id, [NotNullWhen(true)] out NodeEntry? node) => _all.TryGetValue(id, out node);

    /// <summary>Of a provider instance; null: it is no node's, or the node was removed.</summary>
    public NodeEntry? OfInstance(string instance) =>
        instance.StartsWith(NodeRow.InstancePrefix, StringComparison.Ordinal) ? _all.GetValueOrDefault(instance[NodeRow.InstancePrefix.Length..]) : null;

    /// <summary>Something about a node is other than before: it joined, came or went, was changed, or measures something else.</summary>
    public event Action? Changed;

    public NodeEntry? WithToken(string hash) => _all.Values.FirstOrDefault(n => n.Row.Hash == hash);

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
        await ReadAsync(ct);
        return result;
    }

    /// <summary>Saves what a node says of itself. Memory learns it from here; only what others would decide or show differently is told.</summary>
    public async Task SaidAsync(string id, Func<NodeRow, NodeRow> say, CancellationToken ct)
    {
        NodeRow after;
        bool differs;
        await _reading.WaitAsync(ct);
        try
        {
            if (!_all.TryGetValue(id, out var entry))
                return;
            after = say(entry.Row);
            differs = NodeRules.Differ(entry.Row, after);
            await _db.WriteAsync(
                async connection =>
                {
                    var saved = await connection.ExecuteAsync(
                        "UPDATE nodes SET offer = @Offer, facts = @Facts, version = @Version, last_seen = @LastSeen WHERE id = @Id", after);
                    if (differs)
                        await _channel.TellAsync(connection, Words);
                    return saved;
                },
                ct);
            _all = _all.SetItem(id, entry with { Row = after });
        }
        finally
        {
            _reading.Release();
        }

        if (differs)
            Publish(after);
    }

    /// <summary>Reads all rows: instances of new nodes appear, those of removed ones go.</summary>
    public async Task ReadAsync(CancellationToken ct)
    {
        await _reading.WaitAsync(ct);
        try
        {
            await using var connection = await _db.OpenAsync(ct);
            var rows = (await connection.QueryAsync<NodeRow>("SELECT n.*, u.username AS owner_name FROM nodes n LEFT JOIN users u ON u.id = n.owner_id"))
                .ToDictionary(r => r.Id);
            var before = _all;
            _all = rows.Values.ToImmutableDictionary(r => r.Id, r => new NodeEntry(r, before.GetValueOrDefault(r.Id)?.Link ?? NewLink(r)));
            foreach (var gone in before.Values.Where(n => !rows.ContainsKey(n.Row.Id)))
            {
                _instances.Remove(gone.Row.Instance);
                gone.Link.Dispose();
            }

            foreach (var come in _all.Values.Where(n => !before.ContainsKey(n.Row.Id)))
                _instances.Add(new ProviderInstance(come.Row.Instance, new NodeProvider(come.Link), AgentsByNetwork: true));
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
        // Kestrel waits for open requests, and a node's never end by themselves.
        foreach (var node in _all.Values)
            node.Link.Dispose();
        return Task.CompletedTask;
    }

    public void Dispose() => _reading.Dispose();

    private NodeLink NewLink(NodeRow row) => new(
        row.Name, row.LastSeen is { } seen ? DateTimeOffset.FromUnixTimeMilliseconds(seen) : null, _options.NodeGrace, _clock);

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
