using Berth.Core.Sessions;

namespace Berth.Core.Providers;

/// <summary>
/// One kind of compute. Every verb may be repeated, returns as soon as the foreign system has accepted, and throws
/// <see cref="ProviderException"/> where it has not. Only the reconciler calls it.
/// </summary>
public interface ISessionProvider
{
    /// <summary>Says whether an image can be started here, and for which platforms it is.</summary>
    /// <exception cref="ProviderException">The question could not be answered: <see cref="Reason.EngineUnreachable"/>.</exception>
    Task<ImageFinding> FindImageAsync(ImageQuery query, CancellationToken ct);

    /// <summary>
    /// Starts a session. The same order twice is one session. Older generations of it are stopped first: no two share a
    /// workspace. An order of an older generation than one that runs is refused. Returns once the foreign system has accepted it, not once it is ready.
    /// </summary>
    /// <param name="order">What to start.</param>
    /// <param name="progress">Told of placing and pulling while the call lasts.</param>
    /// <param name="ct">Cancelled when the session is not wanted any more. What was half begun is then removed by a stop.</param>
    /// <exception cref="ProviderException">It was not accepted.</exception>
    Task StartAsync(StartOrder order, IProgress<StageReport> progress, CancellationToken ct);

    /// <summary>
    /// Everything that carries this installation's ownership label, wanted or not, in one bulk question. That the
    /// enumeration ends without an exception means that it was complete: what is not in it is not there.
    /// </summary>
    /// <exception cref="ProviderException">Not reachable: then nothing is known, which is not an observation.</exception>
    IAsyncEnumerable<Observation> ObserveAsync(CancellationToken ct);

    /// <summary>Gives back all compute of one start of a session. Stopping what is not there succeeds.</summary>
    /// <exception cref="ProviderException">It may still be there.</exception>
    Task StopAsync(SessionKey key, StopMode mode, CancellationToken ct);
}

/// <summary>A provider that can push changes instead of being asked.</summary>
public interface IChangeSource
{
    /// <summary>
    /// Yields a key whenever something about that session may have changed at the foreign system. Ends or throws
    /// <see cref="ProviderException"/> when the stream is cut: whoever listens then observes once in full and listens again.
    /// </summary>
    IAsyncEnumerable<SessionKey> WatchAsync(CancellationToken ct);
}

/// <summary>A provider that knows how much its workspaces hold.</summary>
public interface IWorkspaceSizes
{
    /// <summary>
    /// Bytes of every workspace of this installation, by its id, in one bulk question; those that cannot be measured are
    /// left out. It may take minutes: it is asked seldom, and never while somebody waits.
    /// </summary>
    /// <exception cref="ProviderException">Not measured now.</exception>
    Task<IReadOnlyDictionary<string, long>> MeasureAsync(CancellationToken ct);
}

/// <summary>A provider that can name the workspaces it holds.</summary>
public interface IWorkspaceList
{
    /// <summary>Every workspace of this installation, whether a session wants it or not, in one bulk question.</summary>
    /// <exception cref="ProviderException">Not reachable: then nothing is known.</exception>
    Task<IReadOnlyList<KeptWorkspace>> ListWorkspacesAsync(CancellationToken ct);
}

/// <summary>A workspace as a provider knows it.</summary>
/// <param name="Id">Of the session that made it.</param>
/// <param name="MadeAt">When; null: not known.</param>
/// <param name="OwnerId">Of the user for whom it was made, as its label says.</param>
/// <param name="SessionName">Of the session that made it, as its label says.</param>
public sealed record KeptWorkspace(string Id, DateTimeOffset? MadeAt = null, string? OwnerId = null, string? SessionName = null);

/// <summary>A provider whose machine may be away for a while, and come back with all that runs on it.</summary>
public interface IMayBeAway
{
    /// <summary>It is connected to this server now.</summary>
    bool IsConnected { get; }

    /// <summary>Waits until it is.</summary>
    Task ConnectedAsync(CancellationToken ct);

    /// <summary>That it is away; null while it is not.</summary>
    Absence? Absence { get; }
}

/// <summary>A machine is away. What runs on it may go on: nothing is known of it.</summary>
/// <param name="Words">Which machine, and since when, in a sentence.</param>
/// <param name="LostAt">From then on what ran there counts as lost, until the machine comes back.</param>
public sealed record Absence(string Words, DateTimeOffset LostAt);

/// <summary>What becomes of the workspace.</summary>
public sealed record StopMode
{
    private StopMode(bool deletes, string? workspace) => (Deletes, Workspace) = (deletes, workspace);

    /// <summary>It is kept.</summary>
    public static StopMode KeepWorkspace { get; } = new(false, null);

    /// <summary>The workspace that the session made is deleted, and whatever else is kept of the session.</summary>
    public static StopMode DeleteWorkspace { get; } = new(true, null);

    /// <summary>Whether it is deleted.</summary>
    public bool Deletes { get; }

    /// <summary>Id of the workspace; null: the session's own.</summary>
    public string? Workspace { get; }

    /// <summary>The session works in this workspace (see <see cref="StartOrder.Workspace"/>), and it is deleted.</summary>
    public static StopMode DeleteWorkspaceOf(string workspace) => new(true, workspace);
}

/// <summary>A question about an image.</summary>
/// <param name="Image">As the engine reads it.</param>
/// <param name="Access">For whom; null: for nobody in particular.</param>
public sealed record ImageQuery(string Image, ImageAccess? Access = null);

/// <summary>What was found of an image.</summary>
/// <param name="Accessible">It can be started here.</param>
/// <param name="Local">It needs no pull.</param>
/// <param name="Platforms">Such as <c>linux/amd64</c>; empty when not known before a pull.</param>
/// <param name="Message">Why it is not accessible, in a sentence.</param>
public sealed record ImageFinding(bool Accessible, bool Local, IReadOnlyList<string> Platforms, string? Message = null)
{
    /// <summary>Whether there is such an image; null: its registry does not say, or cannot be asked.</summary>
    public bool? Exists { get; init; } = Accessible || Platforms.Count > 0 ? true : null;
}

/// <summary>What a start is doing.</summary>
/// <param name="Stage">The stage.</param>
/// <param name="Detail">Such as "40 % of 512 MB"; null: nothing to say.</param>
public sealed record StageReport(Stage Stage, string? Detail = null);

/// <summary>Everything a provider needs to start a session.</summary>
/// <param name="Key">Session and generation.</param>
/// <param name="Spec">What is wanted.</param>
/// <param name="Agent">What the agent inside is told; the provider completes it with what it learns from the image.</param>
/// <param name="AgentToken">Proves the agent to the server; delivered as a file, never in an environment or a command line.</param>
/// <param name="Labels">Shown by the foreign system's own tools: <see cref="OwnerLabel"/> and <see cref="NameLabel"/>.</param>
public sealed record StartOrder(
    SessionKey Key, SessionSpec Spec, Agents.AgentOrder Agent, string AgentToken, IReadOnlyDictionary<string, string> Labels)
{
    /// <summary>Label with the owner's id.</summary>
    public const string OwnerLabel = "io.berth.owner";

    /// <summary>Label with the session's name.</summary>
    public const string NameLabel = "io.berth.name";

    /// <summary>
    /// Id of the workspace: that of the session which made it, and whose work this one may go on with. A workspace that is
    /// not there is made.
    /// </summary>
    public string Workspace { get; init; } = Key.SessionId;

    /// <summary>For whom the image is fetched, and with what. Not a part of what is wanted, and stored nowhere.</summary>
    public ImageAccess Access { get; init; } = ImageAccess.Anonymous;

    /// <summary>What providers call it.</summary>
    public string WorkspaceName => SessionKey.NameOfWorkspace(Workspace);
}

/// <summary>What a foreign system says of one start of a session.</summary>
/// <param name="Key">Session and generation.</param>
/// <param name="State">In our words.</param>
/// <param name="Words">In the foreign system's own words, verbatim.</param>
public sealed record Observation(SessionKey Key, ForeignState State, string Words)
{
    /// <summary>Where it runs; null when not known.</summary>
    public string? Node { get; init; }

    /// <summary>Place in the line; null when not known.</summary>
    public int? QueuePosition { get; init; }

    /// <summary>When it is expected to leave the line; null when not known.</summary>
    public DateTimeOffset? EstimatedStart { get; init; }

    /// <summary>Once it ended; 128 + signal when it was killed.</summary>
    public int? ExitCode { get; init; }

    /// <summary>It was ended because it used more memory than it has.</summary>
    public bool OutOfMemory { get; init; }

    /// <summary>Host that reaches its ports directly; null where only the agent does.</summary>
    public string? Address { get; init; }

    /// <summary>The last lines it said, for an end that the agent could not report; null otherwise.</summary>
    public string? LastWords { get; init; }
}

/// <summary>The state of a foreign session, in our words.</summary>
public enum ForeignState
{
    /// <summary>A word that is not known: wait and ask again.</summary>
    Unknown,
    /// <summary>Made, but not started: a start was cut short and has to be repeated.</summary>
    Created,
    /// <summary>Waits in a line.</summary>
    Queued,
    /// <summary>Its processes run.</summary>
    Running,
    /// <summary>Its processes have ended.</summary>
    Exited,
}

/// <summary>A verb of a provider was not carried out.</summary>
public sealed class ProviderException : Exception
{
    /// <summary>Why, and the particulars in words.</summary>
    public ProviderException(Reason reason, string detail, Exception? inner = null)
        : base(detail, inner) => Reason = reason;

    /// <summary>Why.</summary>
    public Reason Reason { get; }

    /// <summary>The foreign system has certainly not heard of the verb.</summary>
    public bool NothingBegun { get; init; }
}
