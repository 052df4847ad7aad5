namespace Berth.Core.Queues;

/// <summary>All machines while a round is decided.</summary>
internal sealed class Fleet
{
    private readonly Dictionary<string, List<NodeState>> _serving;

    public Fleet(Round round)
    {
        Nodes = [.. round.Nodes.OrderBy(n => n.Id, StringComparer.Ordinal).Select(n => new NodeState(n, round.Now))];
        _serving = Nodes.SelectMany(n => n.Queues, (node, queue) => (node, queue))
            .GroupBy(s => s.queue).ToDictionary(g => g.Key, g => g.Select(s => s.node).ToList());
    }

    /// <summary>By id, so that a tie has always the same end.</summary>
    public IReadOnlyList<NodeState> Nodes { get; }

    /// <summary>The machines that serve the candidate's queue, and its owner.</summary>
    public IEnumerable<NodeState> Serving(Candidate candidate) =>
        _serving.GetValueOrDefault(candidate.Queue, []).Where(n => n.Serves(candidate));

    public bool CouldEverTake(Candidate candidate) => Serving(candidate).Any(n => n.CouldEverTake(candidate));

    /// <summary>
    /// The machines that take sessions now, by queue, in groups by how soon that queue is their choice (0: it is the first).
    /// On a fair node that is how many others have their turn before.
    /// </summary>
    /// <param name="inTurn">False for those who have waited so long that they wait for no queue's turn any more.</param>
    public Dictionary<string, Choice[]> Choices(bool inTurn) => Nodes.Where(n => n.TakesSessions)
        .SelectMany(n => Ranks(n, inTurn), (node, choice) => (node, choice.Queue, choice.Rank))
        .GroupBy(c => c.Queue)
        .ToDictionary(
            g => g.Key,
            g => g.GroupBy(c => c.Rank, c => c.node).OrderBy(r => r.Key).Select(r => new Choice(r.Key, [.. r])).ToArray());

    private static IEnumerable<(string Queue, int Rank)> Ranks(NodeState state, bool inTurn)
    {
        var queues = state.Queues.ToList();
        var last = state.LastQueue is null ? -1 : queues.IndexOf(state.LastQueue);
        return queues.Select((queue, i) => (queue, Rank: !state.Node.Fair ? i : inTurn ? (i - last - 1 + queues.Count) % queues.Count : 0));
    }
}

/// <summary>Machines to which a queue is equally important.</summary>
/// <param name="Rank">How many queues go before it there.</param>
/// <param name="Nodes">By id.</param>
internal sealed record Choice(int Rank, NodeState[] Nodes);
