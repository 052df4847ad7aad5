namespace Berth.Contracts.Sessions;

/// <summary>
/// Body of <c>POST /api/berth/sessions</c>: everything a start can say. What is null comes from the launcher, its
/// environment and the class. Exactly one of <paramref name="LauncherId"/>, <paramref name="EnvironmentId"/> and
/// <paramref name="Image"/> is given; the last two make an unlisted launcher in the user's personal project.
/// </summary>
/// <param name="LauncherId">Start this launcher. A live session of it is returned as it is (200 instead of 201).</param>
/// <param name="EnvironmentId">Start this global environment.</param>
/// <param name="Image">Start this image; its own user, entrypoint and directories are kept unless said otherwise here.</param>
/// <param name="Name">1–63 characters, unique among the user's live sessions; made from launcher or image when null.</param>
/// <param name="ProjectId">For ad-hoc starts; the personal project when null.</param>
/// <param name="ResourceClassId">Null: the launcher's, else the default class of the default pool.</param>
/// <param name="PoolName">The default class of this pool.</param>
/// <param name="Cpu">Cores, replaces the class's; not above it.</param>
/// <param name="MemoryGb">GB, replaces the class's; not above it.</param>
/// <param name="DiskGb">GB, up to the class's maximum.</param>
/// <param name="Gpu"><c>all</c>, a number, or device ids <c>0,1</c>.</param>
/// <param name="Env">Extra variables; in the launcher's limits.</param>
/// <param name="Repositories">Cloned beside the project's own.</param>
/// <param name="HostFolder">
/// Absolute folder of the server's machine, mounted as the workspace (<c>--here</c>). Only for callers on the server's local socket.
/// </param>
/// <param name="DefaultUrl">Path that opens first.</param>
/// <param name="Port">Port that the front end listens on.</param>
/// <param name="Command">Replaces the entrypoint.</param>
/// <param name="Args">Replaces the command's arguments.</param>
/// <param name="Continue">
/// Id or name of an ended session of the caller's: its workspace becomes this session's. Where nothing is said of what to
/// start, it is what that session was.
/// </param>
/// <param name="InsteadOf">
/// Id or name of a session of the caller's whose machine is lost (<c>node_lost</c>): this one is what that was, on another
/// machine. That one ends with it; its work stays where it is.
/// </param>
/// <param name="Queue">In pools of machines that joined: the queue to wait in; the pool's first when null.</param>
/// <param name="Priority">In such pools: -10 to 10, ordinarily 0; more is sooner, by 8 hours a step. More than 0 is for admins.</param>
public sealed record StartRequest(
    string? LauncherId = null, string? EnvironmentId = null, string? Image = null, string? Name = null, string? ProjectId = null,
    int? ResourceClassId = null, string? PoolName = null, double? Cpu = null, double? MemoryGb = null, int? DiskGb = null,
    string? Gpu = null, IReadOnlyDictionary<string, string>? Env = null, IReadOnlyList<RepositoryRequest>? Repositories = null,
    string? HostFolder = null, string? DefaultUrl = null, int? Port = null,
    IReadOnlyList<string>? Command = null, IReadOnlyList<string>? Args = null, string? Continue = null,
    string? InsteadOf = null, string? Queue = null, int? Priority = null);

/// <summary>A repository to clone.</summary>
/// <param name="Url">https, ssh, git or, from the local socket only, an absolute path of the server's machine.</param>
/// <param name="Branch">Branch or tag; the default branch when null.</param>
/// <param name="Commit">Checked out after the clone; null: the branch's head.</param>
/// <param name="Lfs">Fetch LFS files too.</param>
public sealed record RepositoryRequest(string Url, string? Branch = null, string? Commit = null, bool Lfs = false);

/// <summary>Resume with other resources: body of <c>POST /api/berth/sessions/{id}/resume</c>, all optional.</summary>
/// <param name="ResourceClassId">Another class of the same pool.</param>
public sealed record ResumeRequest(int? ResourceClassId = null);

/// <summary>Body of <c>POST /api/berth/sessions/{id}/priority</c>, and of the same of <c>all_sessions</c>.</summary>
/// <param name="Priority">-10 to 10, ordinarily 0; more is sooner, by 8 hours a step. More than 0 is for admins.</param>
public sealed record PriorityRequest(int Priority);

/// <summary>Body of <c>POST /api/berth/sessions/{id}/extend</c>.</summary>
/// <param name="Minutes">How much later than now the session may at the earliest be stopped for idleness, never later than its maximum age; 1–10080; 1440 when null.</param>
public sealed record ExtendRequest(int? Minutes = null);
