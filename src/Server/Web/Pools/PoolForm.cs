using System.Globalization;
using Berth.Contracts.Pools;
using Berth.Contracts.Problems;
using Berth.Server.Pools;
using Berth.Server.Problems;
using Berth.Server.Web.Forms;

namespace Berth.Server.Web.Pools;

/// <summary>Between a pool and its form, whose classes are rows.</summary>
public static class PoolForm
{
    public static PageForm Filled(PoolView pool)
    {
        ArgumentNullException.ThrowIfNull(pool);
        return PageForm.Of(
            ("name", pool.Name),
            ("public", pool.Public ? true : null),
            ("default", pool.Default ? true : null),
            ("idle_threshold", pool.IdleThreshold),
            ("hibernation_threshold", pool.HibernationThreshold),
            ("hibernation_warning_period", pool.HibernationWarningPeriod),
            ("age_threshold", pool.AgeThreshold),
            ("starting_threshold", pool.StartingThreshold),
            ("failed_threshold", pool.FailedThreshold),
            ("retention_threshold", pool.RetentionThreshold),
            ("idle_cpu_threshold", pool.IdleCpuThreshold),
            ("platform", pool.Platform),
            ("reach", pool.Reach),
            ("kind", pool.Kind),
            ("queues", pool.Queues is null ? null : string.Join(", ", pool.Queues)),
            ("quota.cpu", pool.Quota?.Cpu),
            ("quota.memory", pool.Quota?.Memory),
            ("quota.gpu", pool.Quota?.Gpu),
            ("remote.kind", pool.Remote?.Kind),
            ("remote.api_url", pool.Remote?.ApiUrl),
            ("remote.system_name", pool.Remote?.SystemName),
            ("remote.partition", pool.Remote?.Partition),
            ("remote.provider_id", pool.Remote?.ProviderId),
            ("class_default", pool.Classes.ToList().FindIndex(c => c.Default)),
            ("class_id", pool.Classes.Select(c => Words.Number(c.Id))),
            ("class_name", pool.Classes.Select(c => c.Name)),
            ("class_cpu", pool.Classes.Select(c => Words.Number(c.Cpu))),
            ("class_memory", pool.Classes.Select(c => Words.Number(c.Memory))),
            ("class_gpu", pool.Classes.Select(c => Words.Number(c.Gpu))),
            ("class_default_storage", pool.Classes.Select(c => Words.Number(c.DefaultStorage))),
            ("class_max_storage", pool.Classes.Select(c => Words.Number(c.MaxStorage))));
    }

    /// <param name="form">What was posted.</param>
    /// <param name="before">The pool as it is: what the form has no field for stays so. Null: a new one.</param>
    public static PoolRequest Read(PageForm form, PoolView? before = null)
    {
        ArgumentNullException.ThrowIfNull(form);
        return new(
            form.Raw("name"),
            [.. Classes(form).Select(c => before?.Classes.FirstOrDefault(b => b.Id == c.Id) is { } old
                ? c with { Tolerations = old.Tolerations, NodeAffinities = old.NodeAffinities }
                : c)],
            Quota(form),
            form.Flag("default"),
            form.Flag("public"),
            form.Text("platform"),
            form.Int("idle_threshold"),
            form.Int("hibernation_threshold"),
            form.Int("hibernation_warning_period"),
            form.Number("idle_cpu_threshold"),
            form.Text("reach"),
            before?.ClusterId,
            form.Text("remote.kind") is { } kind
                ? new RemotePool(kind, form.Text("remote.api_url"), form.Text("remote.system_name"), form.Text("remote.provider_id"), form.Text("remote.partition"))
                : null,
            form.Int("age_threshold"),
            form.Int("starting_threshold"),
            form.Int("failed_threshold"),
            form.Int("retention_threshold"),
            form.Text("kind"),
            form.Text("kind") == PoolKinds.Nodes ? form.Text("queues")?.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries) : null);
    }

    private static Quota? Quota(PageForm form) =>
        (form.Number("quota.cpu"), form.Number("quota.memory"), form.Int("quota.gpu")) switch
        {
            (null, null, null) => null,
            ({ } cpu, { } memory, var gpu) => new Quota(cpu, memory, gpu ?? 0),
            (null, _, _) => throw new ProblemException(ProblemCode.Invalid, "A quota needs cores and memory.", "quota.cpu"),
            _ => throw new ProblemException(ProblemCode.Invalid, "A quota needs cores and memory.", "quota.memory"),
        };

    // Rows without a name are none; the others keep their order, so that a refusal's index is a row of the form.
    private static List<ClassRequest> Classes(PageForm form)
    {
        var classes = new List<ClassRequest>();
        var names = form.All("class_name");
        for (var row = 0; row < names.Count; row++)
        {
            if (string.IsNullOrWhiteSpace(names[row]))
                continue;
            var field = $"classes[{classes.Count}]";
            classes.Add(new ClassRequest(
                names[row],
                Number(form, "class_cpu", row, $"{field}.cpu"),
                Whole(form, "class_memory", row, $"{field}.memory"),
                Whole(form, "class_gpu", row, $"{field}.gpu", whenEmpty: 0),
                Whole(form, "class_max_storage", row, $"{field}.max_storage"),
                Whole(form, "class_default_storage", row, $"{field}.default_storage", whenEmpty: 1),
                form.Text("class_default") == $"{row}",
                Id: int.TryParse(form.All("class_id").ElementAtOrDefault(row), out var id) ? id : null));
        }

        return classes;
    }

    private static double Number(PageForm form, string name, int row, string field) =>
        double.TryParse(form.All(name).ElementAtOrDefault(row), NumberStyles.Float, CultureInfo.InvariantCulture, out var number)
            ? number
            : throw new ProblemException(ProblemCode.Invalid, $"{What(form, name, row)} must be a number.", field);

    private static int Whole(PageForm form, string name, int row, string field, int? whenEmpty = null)
    {
        var text = form.All(name).ElementAtOrDefault(row);
        if (string.IsNullOrWhiteSpace(text) && whenEmpty is { } value)
            return value;
        return int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number)
            ? number
            : throw new ProblemException(ProblemCode.Invalid, $"{What(form, name, row)} must be a whole number.", field);
    }

    // As the page's columns are called.
    private static string What(PageForm form, string name, int row) => name switch
    {
        "class_cpu" => "Cores",
        "class_memory" => "Memory",
        "class_gpu" => "Gpus",
        "class_max_storage" => "Disk at most",
        _ => "Disk",
    } + $" of the class '{form.All("class_name")[row].Trim()}'";
}
