using Berth.Core.Queues;
using Berth.Core.Sessions;
using Berth.Server.Nodes;
using Berth.Server.Sessions;
using Berth.Server.Storage;
using Dapper;

namespace Berth.Server.Queues;

/// <summary>All that a round is decided from, and the rows of those who wait.</summary>
internal sealed record RoundOfLine(Round Round, IReadOnlyDictionary<string, StoredSession> Sessions);

/// <summary>Reads what a round needs: who waits and what is held in one query each, however many they are; machines are in memory.</summary>
public sealed class RoundReader(Db db, NodeDirectory nodes, TimeProvider clock)
{
    private const int MostRecent = 300;
    private static readonly TimeSpan RecentReadEvery = TimeSpan.FromMinutes(1);

    private IReadOnlyList<RecentSession> _recent = [];
    private DateTimeOffset _recentReadAt;

    /// <summary>Null: nobody waits.</summary>
    internal async Task<RoundOfLine?> ReadAsync(CancellationToken ct)
    {
        await using var connection = await db.OpenAsync(ct);
        var waiting = (await connection.QueryAsync<SessionRow>("SELECT * FROM sessions WHERE step = 'waiting' AND status = 'launching' ORDER BY id"))
            .Select(StoredSession.From).ToDictionary(s => s.Session.Id);
        if (waiting.Count == 0)
            return null;
        var held = await NodeLoad.SessionsAsync(connection);
        var last = (await connection.QueryAsync<(string Node, string Queue)>("SELECT id, last_queue FROM nodes WHERE last_queue IS NOT NULL")).ToDictionary(l => l.Node, l => l.Queue);
        var now = clock.GetUtcNow();
        if (now - _recentReadAt >= RecentReadEvery)
            (_recent, _recentReadAt) = (await RecentAsync(connection), now);

        var all = nodes.All;
        var refused = waiting.Values.SelectMany(s => s.Session.Line!.Refusals, (s, refusal) => new Refused(s.Session.Id, s.Facts.UserId, s.Spec.Resources.Gpu.Wanted, refusal))
            .Concat(held.SelectMany(h => h).SelectMany(h => h.Place?.Refusals ?? [], (h, refusal) => new Refused(h.Id, h.UserId, h.Resources.Gpu.Wanted, refusal)))
            .ToLookup(r => r.Refusal.Instance);
        var machines = all.Select(n => new NodeLoad(n, [.. held[n.Row.Instance]])
            .ForPlacement(last.GetValueOrDefault(n.Row.Id), RestOf.Node(n.Row, refused[n.Row.Instance], held[n.Row.Instance], now))).OfType<Node>().ToList();
        var round = new Round(now, [.. waiting.Values.Select(s => Waiting(s, all))], machines) { Recent = _recent };
        return new RoundOfLine(round, waiting);
    }

    private static WaitingSession Waiting(StoredSession stored, IReadOnlyList<NodeEntry> nodes)
    {
        var (session, line) = (stored.Session, stored.Session.Line!);
        var tied = line.Tied ? nodes.FirstOrDefault(n => n.Row.Instance == stored.Facts.Provider) : null;
        var served = tied?.Row.OfferOf.Queues;
        return new WaitingSession(
            session.Id, stored.Facts.UserId, served is null || served.Contains(line.Queue, StringComparer.OrdinalIgnoreCase) ? line.Queue : served[0], line.Priority, session.GenerationSince,
            NodeLoad.DemandOf(stored.Spec.Resources, line.Tied ? stored.Disk?.Bytes ?? 0 : 0))
        {
            Longest = session.Limits.Age is { } age && age > TimeSpan.Zero ? age : null,
            // Where its machine was removed, no other one has its work.
            Only = line.Tied && ProviderNames.IsNode(stored.Facts.Provider) ? tied?.Row.Id ?? stored.Facts.Provider : null,
            RefusedBy = [.. line.Refusals.Where(r => ProviderNames.IsNode(r.Instance))
                .Select(r => new RefusedBy(r.Instance[NodeRow.InstancePrefix.Length..], r.Words, r.AgainAt))],
        };
    }

    // How long a session ran that was paused and then ended is not known from its row: it says how long it waited alone.
    private static async Task<IReadOnlyList<RecentSession>> RecentAsync(System.Data.Common.DbConnection connection) =>
        [.. (await connection.QueryAsync<PastSession>(
            """
            SELECT line, spec, status, reason, generation_since, starting_since, status_since FROM sessions
            WHERE line IS NOT NULL AND starting_since IS NOT NULL ORDER BY id DESC LIMIT @MostRecent
            """,
            new { MostRecent })).Select(p => p.ToRecent())];

    private sealed class PastSession
    {
        public required string Line { get; init; }
        public required string Spec { get; init; }
        public required string Status { get; init; }
        public string? Reason { get; init; }
        public long GenerationSince { get; init; }
        public long StartingSince { get; init; }
        public long StatusSince { get; init; }

        public RecentSession ToRecent()
        {
            var place = System.Text.Json.JsonSerializer.Deserialize(Line, Core.Agents.CoreJson.Default.LinePlace)!;
            var gpus = System.Text.Json.JsonSerializer.Deserialize(Spec, Core.Agents.CoreJson.Default.SessionSpec)!.Resources.Gpu;
            var over = Status is "paused" or "failed" || (Status == "ended" && Reason is not ("pausedtoolong" or "failedtoolong"));
            return new RecentSession(
                place.Queue, Math.Max(gpus.Ids.Count, Math.Max(0, gpus.Count)), TimeSpan.FromMilliseconds(StartingSince - GenerationSince),
                over ? TimeSpan.FromMilliseconds(StatusSince - StartingSince) : null);
        }
    }
}

/// <summary>A session that a machine did not take.</summary>
internal sealed record Refused(string SessionId, string UserId, bool Gpus, Refusal Refusal);

/// <summary>
/// A machine that takes nothing of what it is given rests for a while, or every session would have to find out for itself.
/// One person's sessions do not put a machine of everybody's to rest: their images may be what is too large. Nor do sessions
/// with gpus: a machine may be well but for these.
/// </summary>
internal static class RestOf
{
    private const int Sessions = 3, Owners = 2;
    private static readonly TimeSpan For = TimeSpan.FromMinutes(10);

    /// <summary>Until when it rests: so many sessions were refused there of late, and none was taken since. Null: it does not.</summary>
    public static DateTimeOffset? Node(NodeRow node, IEnumerable<Refused> refused, IEnumerable<HeldSession> held, DateTimeOffset now)
    {
        var late = refused.Where(r => !r.Gpus && now - r.Refusal.At < For).ToList();
        if (late.DistinctBy(r => r.SessionId).Count() < Sessions || late.DistinctBy(r => r.UserId).Count() < (node.OwnerId is null ? Owners : 1))
            return null;
        var last = late.Max(r => r.Refusal.At);
        return held.Any(h => h is { Holds: true, Step: "started" } && h.PlacedAt > last) ? null : last + For;
    }
}
