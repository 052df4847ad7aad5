namespace Berth.Core.Faults;

/// <summary>The commits of a session's life, each a step of <see cref="FaultPoints"/>.</summary>
public enum Commit
{
    /// <summary>Somebody asked for a session.</summary>
    Asked,
    /// <summary>Its owner wants something else of it.</summary>
    Wished,
    /// <summary>It waits in line, and is given a machine.</summary>
    Placed,
    /// <summary>Its machine did not take it: it stands in line again.</summary>
    BackInLine,
    /// <summary>It is about to be started.</summary>
    StartIntended,
    /// <summary>Its provider has accepted the start.</summary>
    StartAccepted,
    /// <summary>It is about to be stopped, asked for by its owner or a deadline, or because it failed.</summary>
    StopIntended,
    /// <summary>Its provider holds nothing of it any more.</summary>
    Released,
    /// <summary>Whatever else was seen of it: its front end answers, its stage, its end.</summary>
    Seen,
    /// <summary>A replica takes, or keeps, the right to act.</summary>
    LeaseTaken,
}
