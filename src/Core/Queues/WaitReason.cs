using System.Globalization;
using Berth.Core.Sessions;

namespace Berth.Core.Queues;

/// <summary>Why a session waits: one of the records below.</summary>
public abstract record WaitReason
{
    private protected WaitReason()
    {
    }

    /// <summary>It can never start as things are: not before a machine joins or offers more.</summary>
    public virtual bool Never => false;

    /// <summary>In words, without a full stop.</summary>
    /// <param name="now">Times of today are told without a day.</param>
    /// <param name="zone">In which times are told.</param>
    public abstract string Sentence(DateTimeOffset now, TimeZoneInfo zone);

    private protected static string At(DateTimeOffset time, DateTimeOffset now, TimeZoneInfo zone)
    {
        var (there, here) = (TimeZoneInfo.ConvertTime(time, zone), TimeZoneInfo.ConvertTime(now, zone));
        var format = (there.Date - here.Date).Days switch { 0 => "HH:mm", > 0 and < 7 => "ddd HH:mm", _ => "yyyy-MM-dd HH:mm" };
        var words = there.ToString(format, CultureInfo.InvariantCulture);
        return zone.Equals(TimeZoneInfo.Utc) ? $"{words} UTC" : words; // who reads it may live by another clock
    }
}

/// <summary>No machine that serves the session's owner serves its queue.</summary>
/// <param name="Queue">The queue.</param>
public sealed record NoMachine(string Queue) : WaitReason
{
    /// <inheritdoc/>
    public override bool Never => true;

    /// <inheritdoc/>
    public override string Sentence(DateTimeOffset now, TimeZoneInfo zone) => $"no machine serves the queue '{Queue}'";
}

/// <summary>No machine of the queue has that much.</summary>
/// <param name="Queue">The queue.</param>
/// <param name="Resource">Of what there is too little on every machine; null: of each there is enough somewhere, but not on one machine.</param>
/// <param name="Needed">What the session needs.</param>
/// <param name="Largest">What the machine has that comes nearest.</param>
/// <param name="Node">Name of that machine.</param>
public sealed record TooBig(string Queue, Resource? Resource, Demand Needed, Demand Largest, string Node) : WaitReason
{
    /// <inheritdoc/>
    public override bool Never => true;

    /// <inheritdoc/>
    public override string Sentence(DateTimeOffset now, TimeZoneInfo zone) => Resource is { } resource
        ? $"no machine of the queue '{Queue}' has {resource.Words(Needed)}; the largest has {resource.Words(Largest, bare: true)}"
        : $"no machine of the queue '{Queue}' has {AllOf(Needed)} together; {Node} comes nearest, with {AllOf(Largest)}";

    private static string AllOf(Demand demand)
    {
        var words = Enum.GetValues<Resource>().Where(r => Amounts.Of(demand)[r] > 0).Select(r => r.Words(demand)).ToList();
        return words.Count < 2 ? string.Concat(words) : $"{string.Join(", ", words[..^1])} and {words[^1]}";
    }
}

/// <summary>No machine of the queue that is large enough is open for as long as the session may run.</summary>
/// <param name="Queue">The queue.</param>
/// <param name="Needed">How long the session may run.</param>
/// <param name="Longest">How long the machine is open at a stretch that is open longest.</param>
/// <param name="Node">Name of that machine.</param>
public sealed record OpenTooShort(string Queue, TimeSpan Needed, TimeSpan Longest, string Node) : WaitReason
{
    /// <inheritdoc/>
    public override bool Never => true;

    /// <inheritdoc/>
    public override string Sentence(DateTimeOffset now, TimeZoneInfo zone) =>
        $"may run for {Deadline.Words(Needed)}, and no machine of the queue '{Queue}' that is large enough is open so long; {Node} is for {Deadline.Words(Longest)}";
}

/// <summary>All machines that could take it take nothing now.</summary>
/// <param name="Machines">Which, and why.</param>
public sealed record AllAway(IReadOnlyList<Away> Machines) : WaitReason
{
    private const int Told = 3;

    /// <inheritdoc/>
    public override string Sentence(DateTimeOffset now, TimeZoneInfo zone)
    {
        var words = string.Join(", ", Machines.Take(Told).Select(m => $"{m.Node} {Why(m)}"));
        return Machines.Count > Told ? $"{words}, and {Machines.Count - Told} more are away" : words;

        string Why(Away machine) => machine switch
        {
            { Cause: AwayCause.Lost, Since: { } since } => $"has not been heard of since {At(since, now, zone)}",
            { Cause: AwayCause.Unwell } => $"is unwell ({machine.Problem?.TrimEnd('.')})",
            { Cause: AwayCause.Draining } => "takes nothing new",
            { Cause: AwayCause.Resting, Until: { } until } => $"took none of its last sessions and is asked again at {At(until, now, zone)}",
            { Until: { } until } => $"opens at {At(until, now, zone)}",
            _ => "is closed",
        };
    }
}

/// <summary>A machine that takes nothing now.</summary>
/// <param name="Node">Its name.</param>
/// <param name="Cause">Why.</param>
/// <param name="Since">Since when it is lost; null: it is not.</param>
/// <param name="Until">When it opens, or is asked again; null: not known, or not the cause.</param>
public sealed record Away(string Node, AwayCause Cause, DateTimeOffset? Since, DateTimeOffset? Until)
{
    /// <summary>What is wrong with it, where that is the cause.</summary>
    public string? Problem { get; init; }
}

/// <summary>Why a machine takes nothing now.</summary>
public enum AwayCause
{
    /// <summary>Nothing is heard of it.</summary>
    Lost,
    /// <summary>It is being drained.</summary>
    Draining,
    /// <summary>It is outside its uptime window.</summary>
    Closed,
    /// <summary>It refused what it was given last.</summary>
    Resting,
    /// <summary>Something is wrong there, such as that no engine answers.</summary>
    Unwell,
}

/// <summary>The machines that could take it did not, when it was given to them.</summary>
/// <param name="Node">Name of the one that may be asked again first.</param>
/// <param name="Why">What was said there, a sentence.</param>
/// <param name="AgainAt">When it may be asked again; null: it is not.</param>
public sealed record RefusedThere(string Node, string Why, DateTimeOffset? AgainAt) : WaitReason
{
    /// <inheritdoc/>
    public override string Sentence(DateTimeOffset now, TimeZoneInfo zone) =>
        $"{Node} did not take it ({Why.TrimEnd('.')}); " + (AgainAt is { } at ? $"it is asked again at {At(at, now, zone)}" : "it is not asked again for this start");
}

/// <summary>The machines that could take it close before the session's longest time is over.</summary>
/// <param name="Node">Name of the one that is open longest.</param>
/// <param name="ClosesAt">When it closes.</param>
/// <param name="Needed">How long the session may run.</param>
public sealed record ClosesTooSoon(string Node, DateTimeOffset ClosesAt, TimeSpan Needed) : WaitReason
{
    /// <inheritdoc/>
    public override string Sentence(DateTimeOffset now, TimeZoneInfo zone) =>
        $"may run for {Deadline.Words(Needed)}, and {Node} closes at {At(ClosesAt, now, zone)}";
}

/// <summary>There is too little free.</summary>
/// <param name="Resource">Of what.</param>
/// <param name="Needed">What the session needs.</param>
/// <param name="Free">What is free on the machine that comes nearest.</param>
/// <param name="Node">Name of that machine.</param>
/// <param name="NextFreesAt">When something of it is given back there next; null: not known.</param>
/// <param name="GpusUsedOutside">How many of its gpus somebody outside Berth uses, or cannot be seen.</param>
public sealed record TooLittleFree(Resource Resource, Demand Needed, Demand Free, string Node, DateTimeOffset? NextFreesAt, int GpusUsedOutside) : WaitReason
{
    /// <inheritdoc/>
    public override string Sentence(DateTimeOffset now, TimeZoneInfo zone)
    {
        var outside = Resource == Resource.Gpus && GpusUsedOutside > 0 ? $" ({GpusUsedOutside} not Berth's to give)" : "";
        var next = NextFreesAt is { } at ? $"; next frees at {At(at, now, zone)}" : "";
        return $"needs {Resource.Words(Needed)}, {Resource.Words(Free, bare: true)} free on {Node}{outside}{next}";
    }
}

/// <summary>There is room, which is kept for a session that stands before it.</summary>
/// <param name="Node">Name of the machine.</param>
/// <param name="Until">When the other session starts at the latest; null: not known.</param>
public sealed record KeptForAnother(string Node, DateTimeOffset? Until) : WaitReason
{
    /// <inheritdoc/>
    public override string Sentence(DateTimeOffset now, TimeZoneInfo zone) =>
        $"room on {Node} is kept for a session that has waited longer" + (Until > now ? $" and starts by {At(Until.Value, now, zone)}" : "");
}
