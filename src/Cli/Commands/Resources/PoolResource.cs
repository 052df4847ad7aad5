using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;
using Berth.Cli.Output;
using Berth.Cli.Servers;
using Berth.Contracts.Json;
using Berth.Contracts.Pools;

namespace Berth.Cli.Commands.Resources;

internal sealed class PoolResource : Resource<PoolView>
{
    public override string Noun => "pool";

    public override string Meaning => "where sessions run, with quota and deadlines";

    public override JsonTypeInfo<PoolView> Type => BerthJson.Default.PoolView;

    public override JsonTypeInfo<List<PoolView>> ListType => BerthJson.Default.ListPoolView;

    public override IReadOnlyList<Column<PoolView>> Columns { get; } =
    [
        new("name", item => item.Name),
        new("classes", item => string.Join(", ", item.Classes.Select(candidate => candidate.Name))),
        new("default", item => item.Default ? "yes" : null),
        new("public", item => item.Public ? "yes" : null),
        new("runs_on", item => item.Remote is { } remote ? $"{remote.Kind} {remote.SystemName}" : item.Kind == "nodes" ? $"machines of {string.Join(", ", item.Queues ?? [])}" : "this server's engine"),
        new("quota", item => item.Quota is { } quota ? $"{quota.Cpu} cpu, {quota.Memory} GB, {quota.Gpu} gpu" : null, false),
        new("idle", item => Deadline(item.IdleThreshold), false),
        new("paused", item => Deadline(item.HibernationThreshold), false),
        new("age", item => Deadline(item.AgeThreshold), false),
        new("starting", item => Deadline(item.StartingThreshold), false),
        new("failed", item => Deadline(item.FailedThreshold), false),
        new("work", item => Deadline(item.RetentionThreshold), false),
        new("warning", item => Deadline(item.HibernationWarningPeriod), false),
        new("reach", item => item.Reach, false),
        new("platform", item => item.Platform, false),
        new("id", item => $"{item.Id}", false),
    ];

    public override string[] NamesOf(PoolView item) => [item.Name, $"{item.Id}"];

    public override Task<IReadOnlyList<PoolView>> ListAsync(Server server, CancellationToken ct) => server.Client.ListPoolsAsync(ct);

    public override string PathOf(PoolView item) => $"api/data/resource_pools/{item.Id}";

    public override IReadOnlyList<Field> Fields(bool create)
    {
        List<Field> fields =
        [
            Field.Switch("--public", "public", "Every user may use it"),
            Field.Switch("--default", "default", "For starts that name no pool"),
            Field.Seconds("--idle", "idle_threshold", "Pause its sessions after so long without use: 8h"),
            Field.Seconds("--paused", "hibernation_threshold", "End its sessions after so long in pause: 14d"),
            Field.Seconds("--age", "age_threshold", "Pause its sessions so long after their last start, used or not: 3d"),
            Field.Seconds("--starting", "starting_threshold", "Give up a start after so long, the queue not counted: 30m"),
            Field.Seconds("--failed", "failed_threshold", "End its sessions so long after they failed: 7d"),
            Field.Seconds("--keep-work", "retention_threshold", "Keep the work of sessions so long after their end: 14d"),
            Field.Seconds("--warning", "hibernation_warning_period", "Warn of a pause or a deletion so long before: 1h"),
            Field.OneOf("--reach", "reach", "How its sessions are reached", "agent", "direct"),
            Field.OneOf("--kind", "kind", "Where its sessions run: on the server's engine, or on machines that joined", "engine", "nodes"),
            Field.Texts("--queue", "queues", "For machines that joined: a queue that its sessions stand in, the first by default; may be given again", "QUEUE"),
            Field.Text("--platform", "platform", "Such as linux/amd64"),
        ];
        if (create)
        {
            fields.Add(First(Field.Number("--cpu", "cpu", "Its first class, 'standard': cores", "CORES")));
            fields.Add(First(Field.Gigabytes("--memory", "memory", "Its first class: memory, 8G")));
            fields.Add(First(Field.Whole("--gpu", "gpu", "Its first class: gpus", 0, 64)));
            fields.Add(First(Field.Gigabytes("--max-storage", "max_storage", "Its first class: most disk, 50G")));
        }
        return fields;
    }

    public override Task<string> PrepareAsync(Call call, Server server, JsonObject body, CancellationToken ct) => body["classes"] is null
        ? throw CliException.Usage("A pool has at least one class: give --cpu and --memory, or describe it in a file (--file).")
        : Task.FromResult("api/data/resource_pools");

    public override IReadOnlyList<Example> ExamplesOf(string verb) => verb switch
    {
        "create" =>
        [
            new("pool create workstation --public --cpu 4 --memory 16G --idle 8h", "One class; more with `berth class create`"),
            new("pool create lab-machines --public --kind nodes --queue lab --cpu 4 --memory 16G", "For machines that join with --queue lab"),
            new("pool create --file pool.json", "As the API takes it"),
        ],
        "edit" => [new("pool edit workstation --idle 1d", "What is left out stays as it is")],
        "show" => [new("pool show workstation -o yaml", "With all of its classes")],
        "delete" => [new("pool delete workstation", "With its classes")],
        _ => [new("pool list", "What `berth session start --pool` can name")],
    };

    private static string? Deadline(int? seconds) => seconds switch
    {
        null => null,
        0 => "never",
        _ => Ages.Span(TimeSpan.FromSeconds(seconds.Value)),
    };

    /// <summary>A field of the first class, which is then the pool's default.</summary>
    private static Field First(Field field) => field with
    {
        PutAsync = (call, server, body, ct) =>
        {
            if (body["classes"] is not JsonArray classes)
                body["classes"] = classes = new JsonArray(ClassResource.Standard("standard", isDefault: true));
            return field.PutAsync(call, server, (JsonObject)classes[0]!, ct);
        },
    };
}
