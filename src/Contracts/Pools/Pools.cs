namespace Berth.Contracts.Pools;

/// <summary>Body of <c>POST /api/data/resource_pools</c>; PATCH merges into it. Rules are Renku's.</summary>
/// <param name="Name">5–40 characters.</param>
/// <param name="Classes">Exactly one is the default.</param>
/// <param name="Quota">What all sessions of the pool together may hold; null: no limit.</param>
/// <param name="Default">The pool for starts that name none. Public, without quota, not remote. One at most.</param>
/// <param name="Public">Every user may use it; otherwise its members.</param>
/// <param name="Platform">Such as <c>linux/amd64</c>.</param>
/// <param name="IdleThreshold">Seconds without use until a session is paused; 0: never; null: the server's default.</param>
/// <param name="HibernationThreshold">Seconds that a paused session is kept; 0: for ever; null: the server's default.</param>
/// <param name="HibernationWarningPeriod">
/// Seconds before a pause or a deletion that the owner is warned, at most half of the time until it; 0: not at all; null:
/// 15 minutes before a pause, 3 days before what is kept is deleted.
/// </param>
/// <param name="IdleCpuThreshold">Cores; below it a session's processor counts as idle; 0.1 when null.</param>
/// <param name="Reach"><c>agent</c> (default) or <c>direct</c>: connect to the container's own address.</param>
/// <param name="ClusterId">Of a Kubernetes cluster.</param>
/// <param name="Remote">Where sessions run, when not on this server's engine.</param>
/// <param name="AgeThreshold">Berth's own: seconds that a session runs after a start or resume until it is paused; 0 or null: without limit.</param>
/// <param name="StartingThreshold">Berth's own: seconds that a start may take, the queue not counted; 0: for ever; null: the server's default.</param>
/// <param name="FailedThreshold">Berth's own: seconds that a failed session is kept until it is stopped; 0: for ever; null: the server's default.</param>
/// <param name="RetentionThreshold">Berth's own: seconds that the work of an ended session is kept; 0: for ever; null: the server's default.</param>
/// <param name="Kind">Berth's own: <c>engine</c> (default): sessions run on the server's engine; <c>nodes</c>: on machines that joined.</param>
/// <param name="Queues">Berth's own, for the kind <c>nodes</c>: the queues that its sessions stand in, the first when a start names none; null: <c>default</c> alone.</param>
public sealed record PoolRequest(
    string Name, IReadOnlyList<ClassRequest> Classes, Quota? Quota = null, bool Default = false, bool Public = false,
    string? Platform = null, int? IdleThreshold = null, int? HibernationThreshold = null, int? HibernationWarningPeriod = null,
    double? IdleCpuThreshold = null, string? Reach = null, string? ClusterId = null, RemotePool? Remote = null,
    int? AgeThreshold = null, int? StartingThreshold = null, int? FailedThreshold = null, int? RetentionThreshold = null,
    string? Kind = null, IReadOnlyList<string>? Queues = null);

/// <summary>Processor, memory and gpus together.</summary>
/// <param name="Cpu">Cores.</param>
/// <param name="Memory">GB.</param>
/// <param name="Gpu">Devices.</param>
/// <param name="Id">Set by the server; ignored in requests.</param>
public sealed record Quota(double Cpu, double Memory, int Gpu, string? Id = null);

/// <summary>A cluster that sessions are sent to.</summary>
/// <param name="Kind"><c>firecrest</c>.</param>
/// <param name="ApiUrl">https.</param>
/// <param name="SystemName">The cluster's name in FirecREST.</param>
/// <param name="ProviderId">The integration whose token is used.</param>
/// <param name="Partition">Slurm partition; null: the cluster's default.</param>
public sealed record RemotePool(string Kind, string? ApiUrl = null, string? SystemName = null, string? ProviderId = null, string? Partition = null);

/// <summary>Body of <c>POST /api/data/resource_pools/{id}/classes</c>.</summary>
/// <param name="Name">5–40 characters.</param>
/// <param name="Cpu">Cores, more than 0.</param>
/// <param name="Memory">GB, at least 1.</param>
/// <param name="Gpu">Devices.</param>
/// <param name="MaxStorage">GB of disk that a session may ask for.</param>
/// <param name="DefaultStorage">GB of disk when it does not ask.</param>
/// <param name="Default">The pool's default class.</param>
/// <param name="Tolerations">Kubernetes.</param>
/// <param name="NodeAffinities">Kubernetes.</param>
/// <param name="Id">Existing class in a PUT or PATCH of the pool; otherwise null.</param>
public sealed record ClassRequest(
    string Name, double Cpu, int Memory, int Gpu, int MaxStorage, int DefaultStorage = 1, bool Default = false,
    IReadOnlyList<string>? Tolerations = null, IReadOnlyList<NodeAffinity>? NodeAffinities = null, int? Id = null);

/// <summary>A node label that sessions of a class want.</summary>
/// <param name="Key">The label.</param>
/// <param name="RequiredDuringScheduling">Must, not only should.</param>
public sealed record NodeAffinity(string Key, bool RequiredDuringScheduling = false);

/// <summary>A pool as sent; see <see cref="PoolRequest"/>.</summary>
public sealed record PoolView(
    int Id, string Name, IReadOnlyList<ClassView> Classes, Quota? Quota, bool Default, bool Public, string? Platform,
    int? IdleThreshold, int? HibernationThreshold, int? HibernationWarningPeriod, double IdleCpuThreshold, string Reach,
    string? ClusterId, RemotePool? Remote, int? AgeThreshold, int? StartingThreshold, int? FailedThreshold, int? RetentionThreshold,
    string Kind = "engine", IReadOnlyList<string>? Queues = null);

/// <summary>A class as sent; see <see cref="ClassRequest"/>.</summary>
/// <remarks>Matching: set when the list was asked with cpu, gpu, memory or max_storage: the class has at least these.</remarks>
public sealed record ClassView(
    int Id, string Name, double Cpu, int Memory, int Gpu, int MaxStorage, int DefaultStorage, bool Default,
    IReadOnlyList<string> Tolerations, IReadOnlyList<NodeAffinity> NodeAffinities, bool? Matching = null);

/// <summary>A user who may use a pool that is not public.</summary>
/// <param name="Id">User id (or user name in requests).</param>
/// <param name="Username">User name.</param>
public sealed record PoolUser(string Id, string? Username = null);
