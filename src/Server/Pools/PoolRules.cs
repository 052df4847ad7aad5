using System.Text.RegularExpressions;
using Berth.Contracts.Nodes;
using Berth.Contracts.Pools;
using Berth.Server.Nodes;
using Berth.Server.Problems;

namespace Berth.Server.Pools;

/// <summary>What a pool and its classes may be; the rules are Renku's. The same for POST, PUT and what comes out of a PATCH.</summary>
internal static partial class PoolRules
{
    private const int MostClasses = 100;
    private const int MostQueues = 20;
    private const int MostSeconds = 366 * 24 * 3600;
    private const double MostCores = 100_000;
    private const int MostGigabytes = 1_000_000;

    public static PoolRequest Checked(PoolRequest request)
    {
        var pool = request with
        {
            Name = Check.Name(request.Name, "name", 5, 40),
            Platform = CheckPlatform(request.Platform),
            IdleThreshold = Check.Range(request.IdleThreshold, 0, MostSeconds, "idle_threshold"),
            HibernationThreshold = Check.Range(request.HibernationThreshold, 0, MostSeconds, "hibernation_threshold"),
            HibernationWarningPeriod = Check.Range(request.HibernationWarningPeriod, 0, MostSeconds, "hibernation_warning_period"),
            AgeThreshold = Check.Range(request.AgeThreshold, 0, MostSeconds, "age_threshold"),
            StartingThreshold = Check.Range(request.StartingThreshold, 0, MostSeconds, "starting_threshold"),
            FailedThreshold = Check.Range(request.FailedThreshold, 0, MostSeconds, "failed_threshold"),
            RetentionThreshold = Check.Range(request.RetentionThreshold, 0, MostSeconds, "retention_threshold"),
            IdleCpuThreshold = CheckCores(request.IdleCpuThreshold ?? 0.1, "idle_cpu_threshold", zeroToo: true),
            Reach = Check.OneOf(request.Reach ?? "agent", "reach", "agent", "direct"),
            ClusterId = Check.Text(request.ClusterId, "cluster_id", 99),
            Quota = request.Quota is null ? null : Checked(request.Quota, "quota."),
            Remote = request.Remote is null ? null : Checked(request.Remote),
            Kind = Check.OneOf(request.Kind ?? PoolKinds.Engine, "kind", PoolKinds.Engine, PoolKinds.Nodes),
        };
        pool = pool with { Queues = CheckQueues(pool) };
        if (pool.Default)
        {
            // The pool of those who choose none has to be there for all, and always.
            if (!pool.Public)
                throw Check.Invalid("public", "must be true, for the default pool is for everybody");
            if (pool.Quota is not null)
                throw Check.Invalid("quota", "must be null, for the default pool has none");
            if (pool.Remote is not null)
                throw Check.Invalid("remote", "must be null, for the default pool is not remote");
        }

        if (pool.Kind == PoolKinds.Nodes && (pool.Remote is not null || pool.Reach == "direct"))
            throw Check.Invalid("kind", "must be engine, where remote is set or reach is direct: machines that join are reached by their agents alone");
        if (pool.Remote is not null && pool.Public)
            throw Check.Invalid("public", "must be false, for a remote pool is used with its users' own accounts");
        if (pool.Remote is not null && pool.Reach == "direct")
            throw Check.Invalid("reach", "must be agent, for nothing inside a remote pool can be connected to");
        return pool with { Classes = CheckClasses(pool.Classes, pool.Quota) };
    }

    /// <param name="request">A class of a pool.</param>
    /// <param name="quota">The pool's.</param>
    /// <param name="prefix">Path of the class in the body, with a dot at its end; empty: it is the body.</param>
    public static ClassRequest Checked(ClassRequest request, Quota? quota, string prefix)
    {
        var checkedClass = request with
        {
            Name = Check.Name(request.Name, $"{prefix}name", 5, 40),
            Cpu = CheckCores(request.Cpu, $"{prefix}cpu"),
            Memory = Check.Range(request.Memory, 1, MostGigabytes, $"{prefix}memory"),
            Gpu = Check.Range(request.Gpu, 0, 10_000, $"{prefix}gpu"),
            MaxStorage = Check.Range(request.MaxStorage, 1, MostGigabytes, $"{prefix}max_storage"),
            DefaultStorage = Check.Range(request.DefaultStorage, 1, MostGigabytes, $"{prefix}default_storage"),
            Tolerations = [.. (request.Tolerations ?? []).Select((t, i) => Check.Name(t, $"{prefix}tolerations[{i}]", longest: 253))],
            NodeAffinities = [.. (request.NodeAffinities ?? []).Select((a, i) => CheckAffinity(a, $"{prefix}node_affinities[{i}]"))],
        };
        if (checkedClass.DefaultStorage > checkedClass.MaxStorage)
            throw Check.Invalid($"{prefix}default_storage", $"must be at most max_storage, {checkedClass.MaxStorage}; it is {checkedClass.DefaultStorage}");
        if (quota is not null)
        {
            if (checkedClass.Cpu > quota.Cpu)
                throw Check.Invalid($"{prefix}cpu", $"must be at most the pool's quota, {quota.Cpu:0.##}; it is {checkedClass.Cpu:0.##}");
            if (checkedClass.Memory > quota.Memory)
                throw Check.Invalid($"{prefix}memory", $"must be at most the pool's quota, {quota.Memory:0.##}; it is {checkedClass.Memory}");
            if (checkedClass.Gpu > quota.Gpu)
                throw Check.Invalid($"{prefix}gpu", $"must be at most the pool's quota, {quota.Gpu}; it is {checkedClass.Gpu}");
        }

        return checkedClass;
    }

    public static Quota Checked(Quota quota, string prefix) => new(
        CheckCores(quota.Cpu, $"{prefix}cpu"),
        quota.Memory is >= 1 and <= MostGigabytes ? quota.Memory : throw Check.Invalid($"{prefix}memory", $"must be from 1 to {MostGigabytes} GB; it is {quota.Memory:0.##}"),
        Check.Range(quota.Gpu, 0, 1_000_000, $"{prefix}gpu"));

    private static IReadOnlyList<string>? CheckQueues(PoolRequest pool)
    {
        if (pool.Kind != PoolKinds.Nodes)
            return pool.Queues is null ? null : throw Check.Invalid("queues", "must be null, for only pools of the kind nodes have queues");
        var queues = pool.Queues is { Count: > 0 } given ? given : [NodeRoutes.DefaultQueue];
        Check.Count(queues, MostQueues, "queues");
        return [.. queues.Select((q, i) => NodeRules.Queue(q, $"queues[{i}]")).Distinct(StringComparer.OrdinalIgnoreCase)];
    }

    private static List<ClassRequest> CheckClasses(IReadOnlyList<ClassRequest> classes, Quota? quota)
    {
        if (classes.Count == 0)
            throw Check.Invalid("classes", "must have at least one class, the default");
        Check.Count(classes, MostClasses, "classes");
        var names = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        List<ClassRequest> done = [];
        for (var i = 0; i < classes.Count; i++)
        {
            var one = Checked(classes[i] ?? throw Check.Invalid($"classes[{i}]", "must be a class, not null"), quota, $"classes[{i}].");
            if (!names.Add(one.Name))
                throw Check.Invalid($"classes[{i}].name", $"is there more than once: '{one.Name}'");
            done.Add(one);
        }

        var defaults = done.Count(c => c.Default);
        return defaults == 1 ? done : throw Check.Invalid("classes", $"must have exactly one class with default: true; {(defaults == 0 ? "none has" : $"{defaults} have")} it");
    }

    private static RemotePool Checked(RemotePool remote)
    {
        Check.OneOf(remote.Kind, "remote.kind", "firecrest");
        if (!Uri.TryCreate(remote.ApiUrl, UriKind.Absolute, out var url) || url.Scheme != Uri.UriSchemeHttps || url.UserInfo.Length > 0)
            throw Check.Invalid("remote.api_url", $"must be an https address such as https://api.example.org/firecrest/v2/; it is '{remote.ApiUrl}'");
        return remote with
        {
            SystemName = Check.Name(remote.SystemName, "remote.system_name"),
            ProviderId = Check.Text(remote.ProviderId, "remote.provider_id", 99),
            Partition = Check.Text(remote.Partition, "remote.partition", 99),
        };
    }

    private static NodeAffinity CheckAffinity(NodeAffinity? affinity, string field) =>
        affinity is null
            ? throw Check.Invalid(field, "must be a node affinity, not null")
            : affinity with { Key = Check.Name(affinity.Key, $"{field}.key", longest: 317) };

    private static double CheckCores(double cores, string field, bool zeroToo = false) =>
        (cores > 0 || (zeroToo && cores == 0)) && cores <= MostCores
            ? cores
            : throw Check.Invalid(field, $"must be {(zeroToo ? "at least" : "more than")} 0 and at most {MostCores:0} cores; it is {cores:0.##}");

    private static string? CheckPlatform(string? platform) =>
        string.IsNullOrWhiteSpace(platform) ? null
        : Platform().IsMatch(platform) ? platform
        : throw Check.Invalid("platform", $"must look like linux/amd64; it is '{platform}'");

    [GeneratedRegex("^[a-z0-9]{1,20}/[a-z0-9_]{1,20}(/[a-z0-9]{1,10})?$")]
    private static partial Regex Platform();
}

/// <summary>Where the sessions of a pool run.</summary>
public static class PoolKinds
{
    /// <summary>On the server's engine.</summary>
    public const string Engine = "engine";

    /// <summary>On machines that joined.</summary>
    public const string Nodes = "nodes";
}
