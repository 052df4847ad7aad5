using System.Collections.Frozen;
using System.Globalization;
using Berth.Contracts.Sessions;
using Berth.Core.Queues;
using Berth.Server.Sessions;

namespace Berth.Server.Queues;

/// <summary>
/// What the last round said of those who wait, in memory: places and estimates change with every event, and nobody needs
/// them after a restart, when the first round says them anew.
/// </summary>
public sealed class LineBoard(TimeProvider clock)
{
    private volatile Said _said = new(FrozenDictionary<string, Entry>.Empty, FrozenDictionary<string, int>.Empty);

    private sealed record Entry(Wait Wait, int Of, string? TiedTo, string UserId);

    private sealed record Said(FrozenDictionary<string, Entry> Waits, FrozenDictionary<string, int> Counts);

    /// <summary>How many wait in a queue.</summary>
    public int CountOf(string queue) => _said.Counts.GetValueOrDefault(queue);

    /// <summary>Takes in what a round said.</summary>
    /// <returns>Those of whom something else is said than before, and whose they are.</returns>
    internal List<(string SessionId, string UserId)> Take(RoundOfLine round, Plan plan, IReadOnlySet<string> placed)
    {
        var sessions = round.Round.Waiting.ToDictionary(s => s.Id);
        var counts = round.Round.Waiting.Where(s => !placed.Contains(s.Id)).CountBy(s => s.Queue, StringComparer.OrdinalIgnoreCase).ToFrozenDictionary(StringComparer.OrdinalIgnoreCase);
        var standing = plan.Waits.Where(w => w.Position is not null).CountBy(w => sessions[w.SessionId].Queue, StringComparer.OrdinalIgnoreCase).ToDictionary(StringComparer.OrdinalIgnoreCase);
        var waits = plan.Waits.ToFrozenDictionary(
            w => w.SessionId,
            w => new Entry(
                w,
                standing.GetValueOrDefault(sessions[w.SessionId].Queue),
                sessions[w.SessionId].Only is { } only ? round.Round.Nodes.FirstOrDefault(n => n.Id == only)?.Name ?? "a machine that was removed" : null,
                sessions[w.SessionId].Owner));
        var before = _said;
        _said = new Said(waits, counts);
        return [.. waits.Values.Where(e => !before.Waits.TryGetValue(e.Wait.SessionId, out var was) || Shown(e) != Shown(was)).Select(e => (e.Wait.SessionId, e.UserId))];
    }

    /// <summary>Where a session stands; null: it does not wait.</summary>
    public LineView? View(StoredSession stored)
    {
        ArgumentNullException.ThrowIfNull(stored);
        if (stored.Session is not { Step: Core.Sessions.Step.Waiting, Line: { } line } session)
            return null;
        var now = clock.GetUtcNow();
        var entry = _said.Waits.GetValueOrDefault(session.Id);
        var estimate = entry?.Wait.Estimate is { } said && said.At > now ? said : null;
        return new LineView(
            line.Queue, line.Priority, entry?.Wait.Position, entry?.Of, entry is null ? null : Reason(entry, now), estimate?.At,
            estimate is null ? null : System.Text.Json.JsonNamingPolicy.SnakeCaseLower.ConvertName(estimate.Basis.ToString()), session.GenerationSince);
    }

    /// <summary>The same in one line, such as "2nd of 5 in the queue 'lab': needs 1 core, 0 free on lab1; may start at about 14:30 UTC".</summary>
    public static string Words(LineView line, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(line);
        var place = line.Position is { } position ? $"{Ordinal(position)} of {line.Of} in the queue '{line.Queue}'"
            : line.Reason?.Contains($"'{line.Queue}'", StringComparison.Ordinal) == true ? null // it names the queue
            : $"in the queue '{line.Queue}'";
        var why = line.Reason is not { } reason ? "" : place is null ? reason : $": {reason}";
        var when = line.Estimate is not { } at ? "" : line.EstimateFrom == "known_ends" ? $"; starts by {At(at, now)}" : $"; may start at about {At(at, now)}";
        return place + why + when;
    }

    // An estimate moves a little with each round: that alone is no news.
    private static (int?, int, WaitReason, bool) Shown(Entry entry) => (entry.Wait.Position, entry.Of, entry.Wait.Reason, entry.Wait.Estimate is null);

    private static string Reason(Entry entry, DateTimeOffset now)
    {
        var sentence = entry.Wait.Reason.Sentence(now, TimeZoneInfo.Utc);
        return entry.TiedTo is { } node ? $"its work is on {node}: {sentence}" : sentence;
    }

    private static string At(DateTimeOffset at, DateTimeOffset now) =>
        at.UtcDateTime.ToString(at.UtcDateTime.Date == now.UtcDateTime.Date ? "HH:mm" : "ddd HH:mm", CultureInfo.InvariantCulture) + " UTC";

    private static string Ordinal(int number) => number + ((number % 100) is 11 or 12 or 13 ? "th" : (number % 10) switch { 1 => "st", 2 => "nd", 3 => "rd", _ => "th" });
}
