namespace Berth.Core.Queues;

/// <summary>
/// Decides which waiting session is given which machine.
/// <list type="number">
/// <item>Whoever can never start, as things are, is told so and stands aside.</item>
/// <item>The others stand in line: first come first served after head starts (<see cref="QueueRules"/>).</item>
/// <item>In that order each takes, of the machines with room, the one that it fits best (<see cref="BestFit"/>).</item>
/// <item>Where there is no room for the first of a queue that has waited long enough, a machine is kept for it: those
/// behind it may take there only what does not delay it.</item>
/// <item>3 and 4 are repeated until nothing more is placed: a fair node takes one session each time, and room that was
/// kept for somebody who then found other room is free again.</item>
/// <item>Whoever still waits is told why, and how long it may take.</item>
/// </list>
/// The same round gives the same plan, in whatever order its parts are listed.
/// </summary>
public sealed class Scheduler
{
    private readonly DateTimeOffset _now;
    private readonly QueueRules _rules;
    private readonly Fleet _fleet;
    private readonly List<Candidate> _line;
    private readonly List<Placement> _placements = [];
    private readonly Dictionary<string, Candidate> _firsts = [];

    private Scheduler(Round round, Fleet fleet, List<Candidate> line) => (_now, _rules, _fleet, _line) = (round.Now, round.Rules, fleet, line);

    /// <summary>Decides a round, without side effects.</summary>
    public static Plan Decide(Round round)
    {
        ArgumentNullException.ThrowIfNull(round);
        var fleet = new Fleet(round);
        // 1, 2
        var able = round.Waiting.Select(s => new Candidate(s)).ToLookup(fleet.CouldEverTake);
        var line = Line.Of([.. able[true]], round.Nodes, round.Rules);
        // 3 to 5
        var scheduler = new Scheduler(round, fleet, line);
        while (scheduler.Sweep())
        {
            // until nothing more is placed
        }

        // 6
        var explanation = new Explanation(fleet, round.Now);
        var estimates = new Estimates(round, fleet);
        var waits = line.Where(c => !c.Placed).GroupBy(c => c.Queue)
            .SelectMany(queue => queue.Zip(estimates.Of(queue), (c, estimate) => (c, estimate))
                .Select((w, i) => new Wait(w.c.Session.Id, i + 1, explanation.WhyNotNow(w.c), w.estimate)))
            .Concat(able[false].OrderBy(c => c.Session.Id, StringComparer.Ordinal)
                .Select(c => new Wait(c.Session.Id, null, explanation.WhyNever(c), null)));
        return new(scheduler._placements, [.. waits], LookAgainAt(round, fleet));
    }

    private static DateTimeOffset? LookAgainAt(Round round, Fleet fleet) => fleet.Nodes.Select(n => n.NextChange)
        .Concat(round.Nodes.Select(n => n.RestsUntil))
        .Concat(round.Waiting.SelectMany(s => s.RefusedBy, (_, refusal) => refusal.AgainAt))
        .Where(at => at > round.Now).Min();

    private bool Sweep()
    {
        var before = _placements.Count;
        _firsts.Clear();
        foreach (var state in _fleet.Nodes)
            state.BeginSweep();
        foreach (var (candidate, choices, choice) in Attempts())
            if (!candidate.Placed && !TryPlace(candidate, choice.Nodes) && IsFirst(candidate, choices))
                Keep(candidate, choice.Nodes);
        return _placements.Count > before;
    }

    // Each session asks the machines that would take its queue first, then, a step later, those to which others are more important.
    private IEnumerable<(Candidate Candidate, Choice[] Choices, Choice Choice)> Attempts()
    {
        var (inTurn, atOnce) = (_fleet.Choices(inTurn: true), _fleet.Choices(inTurn: false));
        var waitsForTurns = (_now - _rules.QueueStep).UtcTicks;
        return _line.Where(c => !c.Placed)
            .Select(c => (Candidate: c, Choices: (c.Key > waitsForTurns ? inTurn : atOnce).GetValueOrDefault(c.Queue, [])))
            .SelectMany(c => c.Choices, (c, choice) => (c.Candidate, c.Choices, choice))
            .OrderBy(a => a.Candidate.Key + a.choice.Rank * _rules.QueueStep.Ticks); // stable: a tie keeps the line's order
    }

    // True also where a fair node will take it when it is its queue's turn again, in the next sweep.
    private bool TryPlace(Candidate candidate, NodeState[] nodes)
    {
        NodeState? best = null;
        BestFit bestFit = default;
        var laterInTurn = false;
        foreach (var state in nodes)
        {
            if (!state.Serves(candidate) || !state.HasRoom(candidate) || !state.MayTake(candidate))
                continue;
            if (state.HadItsTurn)
            {
                laterInTurn = true;
                continue;
            }

            var fit = BestFit.Of(candidate, state, _now + _rules.ClosesSoon);
            if (best is null || fit.IsBetterThan(bestFit))
                (best, bestFit) = (state, fit);
        }

        if (best is null)
            return laterInTurn;
        _placements.Add(best.Take(candidate));
        candidate.Placed = true;
        return true;
    }

    // The first of a queue that has waited long enough and for which there will be room. It stays the first in all its
    // attempts, or one behind it would be asked before it about machines to which the queue is more important.
    private bool IsFirst(Candidate candidate, Choice[] choices)
    {
        if (_now - candidate.Session.SubmittedAt < _rules.Patience)
            return false;
        if (!_firsts.TryGetValue(candidate.Queue, out var first)
            && choices.Any(choice => choice.Nodes.Any(n => n.Serves(candidate) && n.RoomFor(candidate) is not null)))
            _firsts[candidate.Queue] = first = candidate;
        return first == candidate;
    }

    private void Keep(Candidate candidate, NodeState[] nodes)
    {
        if (_fleet.Nodes.Any(n => n.Hold?.For == candidate))
            return;
        var soonest = nodes.Where(n => n.Hold is null && n.Serves(candidate)).Select(n => n.RoomFor(candidate)).OfType<Hold>().MinBy(h => h.At);
        if (soonest is not null)
            soonest.On.Hold = soonest;
    }
}
