using System.Text.Json.Serialization;

namespace Berth.Contracts.Sessions;

/// <summary>
/// A session as sent by both <c>/api/data/sessions</c> and <c>/api/berth/sessions</c>. The first group of fields is
/// Renku's; <see cref="Berth"/> holds what only Berth knows.
/// </summary>
/// <param name="Name">Unique among the user's live sessions.</param>
/// <param name="Id">ULID.</param>
/// <param name="Image">The image as asked for.</param>
/// <param name="Resources">What it holds or held.</param>
/// <param name="Started">When it was first asked for.</param>
/// <param name="LastInteraction">When it was last used.</param>
/// <param name="Status">Renku's states.</param>
/// <param name="Url">Opens it in a browser; signs in and waits by itself.</param>
/// <param name="ProjectId">Its project.</param>
/// <param name="LauncherId">Its launcher.</param>
/// <param name="ResourceClassId">Its class.</param>
/// <param name="Berth">Berth's own.</param>
public sealed record SessionView(
    string Name, string Id, string Image, SessionResources Resources, DateTimeOffset Started,
    [property: JsonPropertyName("lastInteraction")] DateTimeOffset LastInteraction,
    SessionState Status, string Url, string ProjectId, string LauncherId, int ResourceClassId, SessionExtra Berth);

/// <summary>Resources of a session.</summary>
/// <param name="Requests">As asked for.</param>
public sealed record SessionResources(ResourceAmounts Requests);

/// <summary>Amounts.</summary>
/// <param name="Cpu">Cores.</param>
/// <param name="Memory">GB.</param>
/// <param name="Gpu">Devices; -1: all.</param>
/// <param name="Storage">GB.</param>
public sealed record ResourceAmounts(double Cpu, double Memory, int Gpu, int Storage);

/// <summary>Renku's status of a session.</summary>
/// <param name="State">starting, running, stopping, failed, hibernated or succeeded.</param>
/// <param name="Message">One sentence: what it does, or why it is so.</param>
/// <param name="WillHibernateAt">When it is paused for idleness; null: never or not known.</param>
/// <param name="WillDeleteAt">When the paused session is deleted.</param>
/// <param name="ReadyContainers">1 when the front end answers.</param>
/// <param name="TotalContainers">1.</param>
public sealed record SessionState(
    string State, string? Message, DateTimeOffset? WillHibernateAt, DateTimeOffset? WillDeleteAt, int ReadyContainers, int TotalContainers);

/// <summary>What only Berth tells of a session.</summary>
/// <param name="Status">launching, running, pausing, stopping, paused, failed or ended.</param>
/// <param name="Reason">Stable name of why it is so, such as <c>out_of_memory</c>; null while all is well.</param>
/// <param name="Sentence">The reason in plain words.</param>
/// <param name="NextStep">What to do about it; null when there is nothing to do.</param>
/// <param name="Stage">queued, placing, pulling, preparing, starting; null unless launching.</param>
/// <param name="StageDetail">Such as "40 %".</param>
/// <param name="Stages">All stages of this generation with their timings, in order.</param>
/// <param name="Generation">1 for the first start; one more for each resume or restart.</param>
/// <param name="UserId">Whose it is.</param>
/// <param name="Username">Whose it is.</param>
/// <param name="PoolName">Where it runs.</param>
/// <param name="ClassName">Its class.</param>
/// <param name="Provider">Such as <c>docker</c>.</param>
/// <param name="LauncherName">Null for an ad-hoc start.</param>
/// <param name="ProjectName">Its project.</param>
/// <param name="StatusSince">When it entered the status.</param>
/// <param name="StopsAt">The earliest deadline; null: none, or none counts now, for its machine is away.</param>
/// <param name="StopsBecause">Which deadline that is, in words: "24 h idle".</param>
/// <param name="Port">Port of the front end inside.</param>
/// <param name="DefaultUrl">Path that opens first.</param>
/// <param name="Repositories">What was cloned.</param>
/// <param name="Notices">What went wrong without failing the session, such as a failed clone.</param>
/// <param name="ExitCode">Of the front end, once it ended.</param>
/// <param name="WorkKept">The workspace is still there and is this session's.</param>
/// <param name="Continues">Id of the session whose work it began with.</param>
/// <param name="ContinuedBy">Id of the session that its work went to.</param>
/// <param name="DiskUsed">Bytes in the workspace; null: not measured, or not here (a folder of the machine).</param>
/// <param name="DiskMeasuredAt">When that was: what was written since is not in it.</param>
/// <param name="InUse">What it is in use by, in words: "kernel busy"; empty: it is idle, since <c>lastInteraction</c>.</param>
/// <param name="Warning">What happens at <paramref name="StopsAt"/> and how to prevent it, once that is near; otherwise null.</param>
/// <param name="CanExtend">Whether <c>extend</c> moves <paramref name="StopsAt"/>: not where that is the maximum age.</param>
/// <param name="Ports">Further ports that programs in it listen on; null: it does not run, or that is not known now.</param>
/// <param name="Line">Its place in line; null unless it waits for a machine.</param>
/// <param name="Machine">Name of the machine that joined where it is, or its work; null: it is on none.</param>
public sealed record SessionExtra(
    string Status, string? Reason, string? Sentence, string? NextStep, string? Stage, string? StageDetail,
    IReadOnlyList<StageView> Stages, int Generation, string UserId, string Username, string PoolName, string ClassName,
    string Provider, string? LauncherName, string ProjectName, DateTimeOffset StatusSince, DateTimeOffset? StopsAt,
    string? StopsBecause, int Port, string DefaultUrl, IReadOnlyList<RepositoryRequest> Repositories,
    IReadOnlyList<string> Notices, int? ExitCode, bool WorkKept = false, string? Continues = null, string? ContinuedBy = null,
    long? DiskUsed = null, DateTimeOffset? DiskMeasuredAt = null, IReadOnlyList<string>? InUse = null, string? Warning = null,
    bool CanExtend = false, IReadOnlyList<PortView>? Ports = null, LineView? Line = null, string? Machine = null);

/// <summary>A port of a session.</summary>
/// <param name="Port">Inside.</param>
/// <param name="Url">Opens it in its owner's browser, under an origin of its own; any port may stand there.</param>
public sealed record PortView(int Port, string Url);

/// <summary>Where a session stands that waits for a machine. It waits as long as it takes: that is no failure, and no starting time.</summary>
/// <param name="Queue">The queue that it stands in.</param>
/// <param name="Priority">0 is ordinary, more is sooner.</param>
/// <param name="Position">1 is the first of its queue; null: not known yet, or it cannot start as things are (see <paramref name="Reason"/>).</param>
/// <param name="Of">How many stand in the queue.</param>
/// <param name="Reason">Why it waits, in words: "needs 2 gpus, 1 free on lab3; next frees at 14:30 UTC".</param>
/// <param name="Estimate">When it may start; null: not known.</param>
/// <param name="EstimateFrom"><c>known_ends</c>: it starts then at the latest; <c>durations</c>, <c>waits</c>: by how long recent sessions ran, or waited.</param>
/// <param name="Since">When its waiting began.</param>
public sealed record LineView(
    string Queue, int Priority, int? Position, int? Of, string? Reason, DateTimeOffset? Estimate, string? EstimateFrom, DateTimeOffset Since);

/// <summary>One stage of a start.</summary>
/// <param name="Name">queued, placing, pulling, preparing or starting.</param>
/// <param name="StartedAt">When it began.</param>
/// <param name="EndedAt">Null while it lasts.</param>
/// <param name="Detail">The last thing it said.</param>
public sealed record StageView(string Name, DateTimeOffset StartedAt, DateTimeOffset? EndedAt, string? Detail);

/// <summary>One entry of a session's history: <c>GET /api/berth/sessions/{id}/events</c>.</summary>
/// <param name="At">When.</param>
/// <param name="Kind">Stable name, such as <c>status</c>, <c>stage</c>, <c>notice</c>, <c>extended</c>.</param>
/// <param name="Text">A sentence.</param>
/// <param name="Generation">Which start of the session.</param>
/// <param name="By">User name of who asked; null: Berth itself, by a deadline or by what it saw.</param>
public sealed record SessionEvent(DateTimeOffset At, string Kind, string Text, int Generation, string? By = null);

/// <summary>
/// Body of <c>POST /api/data/sessions</c>, Renku's and strict. Berth's own start is <see cref="StartRequest"/>.
/// </summary>
/// <param name="LauncherId">The launcher.</param>
/// <param name="DiskStorage">GB.</param>
/// <param name="ResourceClassId">Instead of the launcher's.</param>
/// <param name="EnvVariableOverrides">Only variables that the launcher has.</param>
public sealed record RenkuStartRequest(
    string LauncherId, int? DiskStorage = null, int? ResourceClassId = null,
    IReadOnlyList<Launchers.EnvVariable>? EnvVariableOverrides = null);

/// <summary>Body of <c>PATCH /api/data/sessions/{id}</c>.</summary>
/// <param name="ResourceClassId">For the next resume.</param>
/// <param name="State"><c>running</c> resumes, <c>hibernated</c> pauses.</param>
/// <param name="LastInteraction">A time, or <c>now</c>: counts as use.</param>
public sealed record RenkuPatchRequest(
    int? ResourceClassId = null, string? State = null, [property: JsonPropertyName("lastInteraction")] string? LastInteraction = null);

/// <summary>Answer of <c>GET /api/data/sessions/images?image_url=</c>.</summary>
/// <param name="Accessible">The image can be started here by this user.</param>
/// <param name="Platforms">Such as <c>linux/amd64</c>; empty when not known.</param>
/// <param name="Message">Why not, in a sentence.</param>
/// <param name="Exists">Whether there is such an image; null: its registry does not tell this user, or cannot be asked.</param>
public sealed record ImageCheck(bool Accessible, IReadOnlyList<string> Platforms, string? Message = null, bool? Exists = null);

/// <summary>
/// One message of <c>GET /api/berth/events</c> (server-sent events, <c>event: change</c>): something that the caller
/// may read has changed. It carries no content: who wants it asks for it.
/// </summary>
/// <param name="Kind">session, launcher, environment, pool or project.</param>
/// <param name="Id">Which one.</param>
/// <param name="Gone">It is not there any more.</param>
public sealed record Change(string Kind, string Id, bool Gone = false);
