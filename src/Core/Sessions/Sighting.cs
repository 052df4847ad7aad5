using Berth.Core.Providers;

namespace Berth.Core.Sessions;

/// <summary>What is known of a session from outside, at one moment.</summary>
/// <param name="Foreign">What the provider shows of this generation.</param>
/// <param name="Agent">What the agent of this generation last said; null when it has said nothing yet.</param>
public sealed record Sighting(ForeignSighting Foreign, AgentSighting? Agent = null)
{
    /// <summary>Nothing is known: the provider was not asked, or did not answer.</summary>
    public static Sighting Nothing { get; } = new(ForeignSighting.NotKnown);
}

/// <summary>What the provider shows of one generation of a session.</summary>
public abstract record ForeignSighting
{
    private ForeignSighting()
    {
    }

    /// <summary>Nothing is known. That is never a reason to change anything.</summary>
    public static ForeignSighting NotKnown { get; } = new Unasked();

    /// <summary>A complete observation, made after the last act was accepted, does not hold it.</summary>
    public static ForeignSighting NotThere { get; } = new Absent();

    /// <summary>Nothing is known, for the machine is away.</summary>
    public static ForeignSighting OnAwayMachine(Absence absence) => new Away(absence);

    /// <summary>It is there.</summary>
    public static ForeignSighting There(Observation observation) => new Seen(observation);

    /// <summary>Nothing is known.</summary>
    public sealed record Unasked : ForeignSighting;

    /// <summary>Nothing is known.</summary>
    /// <param name="Absence">Of its machine.</param>
    public sealed record Away(Absence Absence) : ForeignSighting;

    /// <summary>It is not there.</summary>
    public sealed record Absent : ForeignSighting;

    /// <summary>It is there.</summary>
    /// <param name="Observation">How.</param>
    public sealed record Seen(Observation Observation) : ForeignSighting;
}

/// <summary>What the agent says.</summary>
/// <param name="Stage">Preparing or Starting.</param>
/// <param name="Detail">In words.</param>
/// <param name="Ready">The front end answers.</param>
/// <param name="ExitCode">Of the front end, once it ended.</param>
/// <param name="Failure">The session cannot go on.</param>
public sealed record AgentSighting(Stage Stage, string? Detail, bool Ready, int? ExitCode = null, Reason? Failure = null);

/// <summary>What is to be done at the provider.</summary>
public enum Act
{
    /// <summary>Nothing.</summary>
    None,
    /// <summary>Start this generation; whatever is left of older ones is stopped first.</summary>
    Start,
    /// <summary>Give back compute, keep the workspace.</summary>
    Stop,
    /// <summary>Give back compute, delete the workspace.</summary>
    StopAndDelete,
}

/// <summary>A decision: the session as it is to be saved, and what is to be done after that.</summary>
/// <param name="Session">The new state, the intent included.</param>
/// <param name="Act">To be done after the state was saved; repeatable.</param>
public sealed record Decision(Session Session, Act Act);

/// <summary>Something was asked of a session that its status does not allow.</summary>
public sealed class IllegalTransitionException(SessionStatus from, string asked)
    : InvalidOperationException($"A session that is {from} cannot be {asked}.")
{
    /// <summary>Where the session stands.</summary>
    public SessionStatus From { get; } = from;
}
