namespace Berth.Core.Sessions;

/// <summary>Where a session stands. Small on purpose: why it stands there is its <see cref="Reason"/>.</summary>
public enum SessionStatus
{
    /// <summary>On its way; see <see cref="Stage"/>.</summary>
    Launching,
    /// <summary>The front end answers.</summary>
    Running,
    /// <summary>On its way to <see cref="Paused"/>.</summary>
    Pausing,
    /// <summary>No compute is held; the workspace is.</summary>
    Paused,
    /// <summary>On its way to <see cref="Ended"/>.</summary>
    Stopping,
    /// <summary>Always with a reason; can be started again, paused or stopped.</summary>
    Failed,
    /// <summary>Over. The workspace is kept for the retention time.</summary>
    Ended,
}

/// <summary>What a start is doing, in order.</summary>
public enum Stage
{
    /// <summary>Waits for compute: no failure, and not counted as starting time.</summary>
    Queued,
    /// <summary>A place is chosen; the image is looked up.</summary>
    Placing,
    /// <summary>The image is fetched.</summary>
    Pulling,
    /// <summary>The agent prepares the workspace.</summary>
    Preparing,
    /// <summary>The front end starts.</summary>
    Starting,
}

/// <summary>What its owner (or a deadline in the owner's name) wants of a session.</summary>
public enum Wish
{
    /// <summary>Run it.</summary>
    Run,
    /// <summary>Give back compute, keep the workspace and the session.</summary>
    Pause,
    /// <summary>End it, keep the workspace for the retention time.</summary>
    Stop,
    /// <summary>End it and delete the workspace now.</summary>
    StopAndDelete,
}

/// <summary>
/// The intent: what was last begun at the provider for this generation. It is committed before the provider is called,
/// so that a successor knows what may have happened.
/// </summary>
public enum Step
{
    /// <summary>Nothing yet.</summary>
    None,
    /// <summary>It stands in line for a machine: no provider has heard of this start.</summary>
    Waiting,
    /// <summary>A start was decided; the provider may or may not have heard of it.</summary>
    StartIntended,
    /// <summary>The provider accepted the start.</summary>
    Started,
    /// <summary>A stop was decided; the provider may or may not have heard of it.</summary>
    StopIntended,
    /// <summary>The provider holds nothing of it (but the workspace).</summary>
    Stopped,
}
