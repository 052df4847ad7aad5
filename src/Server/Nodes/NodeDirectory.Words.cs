using System.Data.Common;
using Berth.Core;
using Dapper;

namespace Berth.Server.Nodes;

/// <summary>What nodes say of themselves: in memory at once, in the database soon (<see cref="NodeSaver"/>).</summary>
public sealed partial class NodeDirectory
{
    private readonly Wakeup _toSave = new();
    private readonly Wakeup _begun = new();
    private readonly Dictionary<string, Unsaved> _unsaved = [];

    /// <summary>
    /// Takes in what a node says of itself: memory learns it at once, the database by <see cref="NodeSaver"/>, for a database
    /// that is of no use for a while costs no connection. Only what others would decide or show differently is told.
    /// </summary>
    /// <param name="id">Of the node.</param>
    /// <param name="say">What it says.</param>
    /// <param name="begins">It has begun a connection to this server: what it said on others counts no more.</param>
    public void Said(string id, Func<NodeRow, NodeRow> say, bool begins = false)
    {
        NodeRow after;
        bool differs;
        lock (_lock)
        {
            if (!_all.TryGetValue(id, out var entry))
                return;
            after = say(entry.Row);
            differs = NodeRules.Differ(entry.Row, after);
            _all = _all.SetItem(id, entry with { Row = after });
            _unsaved[id] = new Unsaved(begins, differs).After(_unsaved.GetValueOrDefault(id));
        }

        _toSave.Set();
        if (begins)
            _begun.Set();
        if (differs)
            Publish(after);
    }

    /// <summary>It offers something else from now on, whatever it said when it connected.</summary>
    public async Task OfferAsync(string id, string offer, CancellationToken ct)
    {
        await SaveAsync(ct);
        await ChangeAsync(connection => connection.ExecuteAsync("UPDATE nodes SET offer = @offer WHERE id = @id", new { id, offer }), ct);
    }

    /// <summary>Its connection to this server is over.</summary>
    public void Left(string id) => Said(id, row => row.ConnectedTo != _replica.Name ? row : row with { ConnectedTo = null, LastSeen = _clock.GetUtcNow().ToUnixTimeMilliseconds() });

    /// <summary>Waits until something was said that is not saved.</summary>
    internal Task UnsavedAsync(CancellationToken ct) => _toSave.WaitAsync(ct);

    /// <summary>Waits until a node has begun a connection, of which the other servers of the database are to know soon.</summary>
    internal Task BegunAsync(CancellationToken ct) => _begun.WaitAsync(ct);

    /// <summary>
    /// Saves what was said, of all nodes at once, also of one that came and left since the last time. Of a node that has
    /// connected elsewhere since, nothing.
    /// </summary>
    /// <exception cref="DbException">It is not saved, and still to be.</exception>
    internal async Task SaveAsync(CancellationToken ct)
    {
        await _reading.WaitAsync(ct);
        try
        {
            List<(NodeRow Row, Unsaved Words)> said;
            lock (_lock)
            {
                said = [.. _unsaved.Where(u => _all.ContainsKey(u.Key)).Select(u => (_all[u.Key].Row, u.Value))];
                _unsaved.Clear();
            }

            try
            {
                if (said.Count > 0)
                    await _db.WriteAsync(connection => SaveAsync(connection, said), ct);
            }
            catch
            {
                lock (_lock)
                {
                    foreach (var (row, words) in said)
                        _unsaved[row.Id] = _unsaved.GetValueOrDefault(row.Id).After(words);
                }

                _toSave.Set();
                throw;
            }
        }
        finally
        {
            _reading.Release();
        }
    }

    private async Task SaveAsync(DbConnection connection, List<(NodeRow Row, Unsaved Words)> said)
    {
        foreach (var (row, words) in said)
        {
            await connection.ExecuteAsync(
                """
                UPDATE nodes SET facts = @Facts, version = @Version, last_seen = @LastSeen, connected_to = @ConnectedTo,
                    offer = CASE WHEN @began = @yes THEN @Offer ELSE offer END
                WHERE id = @Id AND (@isHere = @yes OR connected_to = @replica OR (@began = @yes AND connected_to IS NULL))
                """,
                new { row.Id, row.Facts, row.Version, row.LastSeen, row.ConnectedTo, row.Offer, began = words.Begins, isHere = words.Begins && row.ConnectedTo is not null, yes = true, replica = _replica.Name });
        }

        if (said.Any(s => s.Words.IsNews))
            await _channel.TellAsync(connection, Words);
    }

    /// <summary>A row as it will be once all that was said is saved.</summary>
    private NodeRow WithUnsaved(NodeRow row) => !_unsaved.TryGetValue(row.Id, out var words) || !_all.TryGetValue(row.Id, out var entry) ? row : row with
    {
        Facts = entry.Row.Facts,
        Version = entry.Row.Version,
        LastSeen = entry.Row.LastSeen,
        ConnectedTo = entry.Row.ConnectedTo,
        Offer = words.Begins ? entry.Row.Offer : row.Offer,
    };

    /// <summary>What of a node's words is to be saved.</summary>
    /// <param name="Begins">It has begun a connection here.</param>
    /// <param name="IsNews">Others would decide or show something else.</param>
    private readonly record struct Unsaved(bool Begins, bool IsNews)
    {
        public Unsaved After(Unsaved earlier) => new(Begins || earlier.Begins, IsNews || earlier.IsNews);
    }
}
