using System.Text.Json;
using Berth.Contracts.Problems;
using Berth.Contracts.Sessions;
using Berth.Core.Sessions;
using Berth.Server.Auth;
using Berth.Server.Pools;
using Berth.Server.Problems;
using Berth.Server.Storage;
using Dapper;
using SessionResources = Berth.Core.Sessions.SessionResources;

namespace Berth.Server.Sessions;

/// <summary>Pool, class and amounts of a start: what the caller may use, and whether it fits class and quota.</summary>
public sealed class ClassChooser(Db db)
{
    internal const long Gigabyte = 1L << 30;

    private const string Select = """
        SELECT c.id AS class_id, c.name AS class_name, c.cpu, c.memory, c.gpu, c.max_storage, c.default_storage, c.is_default AS default_class,
               p.id AS pool_id, p.name AS pool_name, p.is_default AS default_pool, p.is_public, p.quota, p.idle_threshold,
               p.hibernation_threshold, p.hibernation_warning_period, p.age_threshold, p.starting_threshold, p.failed_threshold,
               p.retention_threshold, p.idle_cpu_threshold, p.reach, p.remote, p.kind, p.queues
        FROM resource_classes c JOIN resource_pools p ON p.id = c.pool_id
        WHERE (p.is_public = @yes OR @admin = @yes OR EXISTS (SELECT 1 FROM pool_users u WHERE u.pool_id = p.id AND u.user_id = @user))
        """;

    /// <summary>Chooses the class of a start.</summary>
    /// <param name="caller">Only pools that the caller may use are looked at.</param>
    /// <param name="request">A class or pool it names comes first; amounts choose the smallest class that has them.</param>
    /// <param name="launcherClass">The launcher's class.</param>
    /// <param name="launcherDisk">The launcher's disk in GB.</param>
    /// <param name="ct">Cancels.</param>
    public async Task<ChosenClass> ForStartAsync(Caller caller, StartRequest request, int? launcherClass, int? launcherDisk, CancellationToken ct)
    {
        if (!GpuRequest.TryParse(request.Gpu, out var gpu))
            throw new ProblemException(ProblemCode.Invalid, "gpu is 'all', a number up to 64, or device ids such as 0,1.", "gpu");
        if (request.Cpu is <= 0 or > 4096 or double.NaN)
            throw new ProblemException(ProblemCode.Invalid, "cpu is a number of cores above 0.", "cpu");
        if (request.MemoryGb is < 0.01 or > 65536 or double.NaN)
            throw new ProblemException(ProblemCode.Invalid, "memory is at least 0.01 GB.", "memory_gb");
        if (request.DiskGb is < 1)
            throw new ProblemException(ProblemCode.Invalid, "disk is at least 1 GB.", "disk_gb");

        var classes = await ClassesAsync(caller, ct);
        var row = request.ResourceClassId is { } id ? Class(classes, id)
            : request.PoolName is { } pool ? Smallest(Pool(classes, pool), request)
            : launcherClass is { } own && ((request.Continue ?? request.InsteadOf) is null || classes.Exists(c => c.ClassId == own)) ? Class(classes, own)
            : Smallest([.. classes.Where(c => c.DefaultPool)], request);

        var disk = request.DiskGb ?? launcherDisk ?? row.DefaultStorage;
        if (disk > row.MaxStorage)
            throw new ProblemException(ProblemCode.Invalid, $"The class '{row.ClassName}' has at most {row.MaxStorage} GB of disk.", "disk_gb");
        Fits(row, request); // Which gpus exist only the engine knows: it refuses in plain words.
        if (gpu == GpuRequest.None && request.Gpu is null && row.Gpu > 0)
            gpu = new GpuRequest(row.Gpu, []);
        return new ChosenClass(
            row,
            new SessionResources(
                request.Cpu ?? row.Cpu, (long)((request.MemoryGb ?? row.Memory) * Gigabyte), disk * Gigabyte, gpu));
    }

    /// <summary>The session with the spec that another class of its pool gives it.</summary>
    public async Task<StoredSession> ForResumeAsync(Caller caller, StoredSession session, int classId, CancellationToken ct)
    {
        var row = Class(await ClassesAsync(caller, ct), classId);
        if (row.PoolId != session.Facts.PoolId)
            throw new ProblemException(ProblemCode.Invalid, "A session is resumed in its own pool; choose one of that pool's classes.", "resource_class_id");
        return session with
        {
            Spec = session.Spec with
            {
                Resources = session.Spec.Resources with
                {
                    Cpu = row.Cpu,
                    MemoryBytes = row.Memory * Gigabyte,
                    Gpu = row.Gpu > 0 ? new GpuRequest(row.Gpu, []) : GpuRequest.None,
                },
            },
            Facts = session.Facts with { ClassId = classId },
        };
    }

    /// <summary>Refuses a resume in a pool that the caller may use no more.</summary>
    public async Task RequirePoolAsync(Caller caller, StoredSession session, CancellationToken ct)
    {
        if (!(await ClassesAsync(caller, ct)).Exists(c => c.PoolId == session.Facts.PoolId))
            throw new ProblemException(
                ProblemCode.Forbidden,
                $"You may not use the pool of session '{session.Facts.Name}' any more. Ask for it, or end the session (`berth session stop {session.Facts.Name}`): its work is kept, and a new one elsewhere can go on with it.");
    }

    private async Task<List<ClassRow>> ClassesAsync(Caller caller, CancellationToken ct)
    {
        await using var connection = await db.OpenAsync(ct);
        return [.. await connection.QueryAsync<ClassRow>(Select, new { user = caller.UserId, admin = caller.IsAdmin, yes = true })];
    }

    private static ClassRow Class(List<ClassRow> classes, int id) => classes.Find(c => c.ClassId == id)
        ?? throw new ProblemException(ProblemCode.NotFound, $"There is no resource class {id} that you may use.", "resource_class_id");

    private static List<ClassRow> Pool(List<ClassRow> classes, string name)
    {
        var exact = classes.Where(c => string.Equals(c.PoolName, name, StringComparison.OrdinalIgnoreCase)).ToList();
        return exact.Count > 0
            ? exact
            : throw new ProblemException(ProblemCode.NotFound, $"There is no pool '{name}' that you may use. List them: `berth pool list`.", "pool_name");
    }

    private static ClassRow Smallest(List<ClassRow> classes, StartRequest request)
    {
        if (classes.Count == 0)
            throw new ProblemException(ProblemCode.NoCapacity, "There is no default pool. Name one: `berth session start --pool …`.");
        var standard = classes.Find(c => c.DefaultClass) ?? classes[0];
        if (Has(standard, request))
            return standard;
        return classes.Where(c => Has(c, request)).OrderBy(c => c.Cpu).ThenBy(c => c.Memory).FirstOrDefault()
            ?? throw new ProblemException(
                ProblemCode.NoCapacity,
                $"No class of pool '{classes[0].PoolName}' has that much. Its largest has {classes.Max(c => c.Cpu):0.##} cores, {classes.Max(c => c.Memory)} GB of memory and {classes.Max(c => c.MaxStorage)} GB of disk.",
                request.Cpu > classes.Max(c => c.Cpu) ? "cpu" : request.MemoryGb > classes.Max(c => c.Memory) ? "memory_gb" : "disk_gb");
    }

    private static bool Has(ClassRow row, StartRequest request) =>
        (request.Cpu ?? 0) <= row.Cpu && (request.MemoryGb ?? 0) <= row.Memory && (request.DiskGb ?? 0) <= row.MaxStorage;

    private static void Fits(ClassRow row, StartRequest request)
    {
        if (request.Cpu > row.Cpu)
            throw new ProblemException(ProblemCode.Invalid, $"The class '{row.ClassName}' has {row.Cpu:0.##} cores.", "cpu");
        if (request.MemoryGb > row.Memory)
            throw new ProblemException(ProblemCode.Invalid, $"The class '{row.ClassName}' has {row.Memory} GB of memory.", "memory_gb");
    }
}

/// <summary>A class that was chosen, and the amounts within it.</summary>
public sealed record ChosenClass(ClassRow Row, SessionResources Resources)
{
    /// <summary>Limits of sessions in this pool; what the pool leaves open is the server's default.</summary>
    public Limits Limits => new(
        Seconds(Row.IdleThreshold) ?? Limits.Default.Idle,
        Seconds(Row.AgeThreshold) ?? Limits.Default.Age,
        Seconds(Row.StartingThreshold) ?? Limits.Default.Starting,
        Seconds(Row.FailedThreshold) ?? Limits.Default.Failed,
        Seconds(Row.HibernationThreshold) ?? Limits.Default.Paused,
        Seconds(Row.RetentionThreshold) ?? Limits.Default.Retention)
    {
        IdleCpu = Row.IdleCpuThreshold,
        Warning = Seconds(Row.HibernationWarningPeriod),
    };

    private static TimeSpan? Seconds(int? seconds) => seconds is { } number ? TimeSpan.FromSeconds(number) : null;
}

/// <summary>A class with its pool.</summary>
public sealed class ClassRow
{
    public int ClassId { get; init; }
    public required string ClassName { get; init; }
    public double Cpu { get; init; }
    public int Memory { get; init; }
    public int Gpu { get; init; }
    public int MaxStorage { get; init; }
    public int DefaultStorage { get; init; }
    public bool DefaultClass { get; init; }
    public int PoolId { get; init; }
    public required string PoolName { get; init; }
    public bool DefaultPool { get; init; }
    public bool IsPublic { get; init; }
    public string? Quota { get; init; }
    public int? IdleThreshold { get; init; }
    public int? HibernationThreshold { get; init; }
    public int? HibernationWarningPeriod { get; init; }
    public int? AgeThreshold { get; init; }
    public int? StartingThreshold { get; init; }
    public int? FailedThreshold { get; init; }
    public int? RetentionThreshold { get; init; }
    public double IdleCpuThreshold { get; init; }
    public required string Reach { get; init; }
    public string? Remote { get; init; }
    public string Kind { get; init; } = PoolKinds.Engine;
    public string? Queues { get; init; }

    /// <summary>The queue that a start stands in, the pool's first where it names none; null: sessions of the pool stand in no line.</summary>
    /// <exception cref="ProblemException">The pool has no such queue.</exception>
    public string? Queue(string? wanted)
    {
        var all = AllQueues();
        if (wanted is null)
            return all is [var first, ..] ? first : null;
        return all.FirstOrDefault(q => string.Equals(q, wanted, StringComparison.OrdinalIgnoreCase))
            ?? throw new ProblemException(
                ProblemCode.Invalid,
                all.Count == 0 ? $"The pool '{PoolName}' has no queues: its sessions do not wait for machines. Choose a pool that has: `berth queue list`."
                    : $"The pool '{PoolName}' has no queue '{wanted}'. It has: {string.Join(", ", all)}.",
                "queue");
    }

    /// <summary>Whether the pool has this queue.</summary>
    public bool HasQueue(string name) => AllQueues().Contains(name, StringComparer.OrdinalIgnoreCase);

    private IReadOnlyList<string> AllQueues() => Queues is null ? [] : JsonSerializer.Deserialize(Queues, SessionsJson.Default.IReadOnlyListString) ?? [];
}
