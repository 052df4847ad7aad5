namespace Berth.Core.Sessions;

/// <summary>Why a session stands where it stands.</summary>
public enum Reason
{
    /// <summary>Its owner asked.</summary>
    ByUser,
    /// <summary>An administrator asked.</summary>
    ByAdmin,
    /// <summary>Not used for the idle time.</summary>
    Idle,
    /// <summary>It reached its maximum age.</summary>
    MaximumAge,
    /// <summary>It stayed paused for longer than paused sessions are kept.</summary>
    PausedTooLong,
    /// <summary>It stayed failed for longer than failed sessions are kept.</summary>
    FailedTooLong,
    /// <summary>The front end ended by itself, with exit code 0.</summary>
    FrontEndFinished,
    /// <summary>The front end ended by itself, with another exit code, after it had answered.</summary>
    FrontEndFailed,
    /// <summary>The command ended before it ever answered.</summary>
    ExitedEarly,
    /// <summary>The command cannot be run at all.</summary>
    CommandNotFound,
    /// <summary>More memory was used than the session has.</summary>
    OutOfMemory,
    /// <summary>The container was killed by somebody else.</summary>
    Killed,
    /// <summary>The container is not there any more, and Berth did not remove it.</summary>
    Vanished,
    /// <summary>Nothing answered HTTP on the port within the starting time.</summary>
    NothingListens,
    /// <summary>The start took longer than it may.</summary>
    StartTimeout,
    /// <summary>The image does not exist, or may not be read.</summary>
    ImageNotFound,
    /// <summary>The image could not be fetched.</summary>
    PullFailed,
    /// <summary>The image is for another processor or system.</summary>
    WrongPlatform,
    /// <summary>There is no such gpu, or no gpu at all.</summary>
    NoGpu,
    /// <summary>The compute has not got what was asked for.</summary>
    NoCapacity,
    /// <summary>No space left where images or workspaces are kept.</summary>
    DiskFull,
    /// <summary>The engine refused the start, in its own words.</summary>
    Refused,
    /// <summary>No provider of this kind exists in this version.</summary>
    NoProvider,
    /// <summary>The engine cannot be reached; nothing is known of the session.</summary>
    EngineUnreachable,
    /// <summary>The machine that it is on is away; nothing is known of the session.</summary>
    NodeAway,
    /// <summary>The machine that it ran on stayed away for longer than the grace time.</summary>
    NodeLost,
    /// <summary>The machine that it was on was removed by force.</summary>
    NodeRemoved,
}
