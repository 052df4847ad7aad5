using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Berth.Cli.Output;
using Berth.Cli.Servers;
using Berth.Cli.Settings;
using Berth.Contracts.Pools;

namespace Berth.Cli.Commands.Resources;

/// <summary>A class with the pool that it is of.</summary>
internal sealed record PoolClass(string Pool, int PoolId, ClassView Class);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(List<PoolClass>))]
internal sealed partial class ClassJson : JsonSerializerContext;

internal sealed class ClassResource : Resource<PoolClass>
{
    private readonly Flag<string?> _pool = Flags.Text("--pool", "Pool that it is of", "NAME");

    public override string Noun => "class";

    public override string Plural => "classes";

    public override string Meaning => "how much of a pool a session gets";

    public override JsonTypeInfo<PoolClass> Type => ClassJson.Default.PoolClass;

    public override JsonTypeInfo<List<PoolClass>> ListType => ClassJson.Default.ListPoolClass;

    public override IReadOnlyList<Column<PoolClass>> Columns { get; } =
    [
        new("name", item => item.Class.Name),
        new("pool", item => item.Pool),
        new("cpu", item => $"{item.Class.Cpu}"),
        new("memory", item => $"{item.Class.Memory} GB"),
        new("gpu", item => $"{item.Class.Gpu}"),
        new("disk", item => $"{item.Class.DefaultStorage} GB, up to {item.Class.MaxStorage} GB"),
        new("default", item => item.Class.Default ? "yes" : null),
        new("id", item => $"{item.Class.Id}", false),
    ];

    public override string[] NamesOf(PoolClass item) => [item.Class.Name, $"{item.Pool}/{item.Class.Name}", $"{item.Class.Id}"];

    public override async Task<IReadOnlyList<PoolClass>> ListAsync(Server server, CancellationToken ct) =>
        [.. (await server.Client.ListPoolsAsync(ct)).SelectMany(pool => pool.Classes.Select(item => new PoolClass(pool.Name, pool.Id, item)))];

    public override string PathOf(PoolClass item) => $"api/data/resource_pools/{item.PoolId}/classes/{item.Class.Id}";

    public override IReadOnlyList<Field> Fields(bool create)
    {
        List<Field> fields =
        [
            Field.Number("--cpu", "cpu", "Cores", "CORES"),
            Field.Gigabytes("--memory", "memory", "Memory: 8G"),
            Field.Whole("--gpu", "gpu", "How many gpus", 0, 64),
            Field.Gigabytes("--max-storage", "max_storage", "Most disk that a session may ask for: 50G"),
            Field.Gigabytes("--default-storage", "default_storage", "Disk when a session asks for none: 1G"),
        ];
        // Where the request goes, not what is in it.
        if (create)
            fields.Insert(0, new Field(_pool, (_, _, _, _) => Task.CompletedTask));
        return fields;
    }

    public override async Task<string> PrepareAsync(Call call, Server server, JsonObject body, CancellationToken ct)
    {
        var pools = await server.Client.ListPoolsAsync(ct);
        var pool = call.Get(_pool) is { } name
            ? Names.Pick(name, pools, candidate => [candidate.Name, $"{candidate.Id}"], "pool", "berth pool list")
            : throw CliException.Usage("A class is of a pool: say which with --pool.");
        foreach (var (field, value) in Standard(body["name"]!.GetValue<string>(), isDefault: false))
            body[field] ??= value?.DeepClone();
        return $"api/data/resource_pools/{pool.Id}/classes";
    }

    /// <summary>What a class has where nothing else is said.</summary>
    public static JsonObject Standard(string name, bool isDefault) => new()
    {
        ["name"] = name,
        ["cpu"] = 1.0,
        ["memory"] = 2,
        ["gpu"] = 0,
        ["max_storage"] = 10,
        ["default_storage"] = 1,
        ["default"] = isDefault,
    };

    public override IReadOnlyList<Example> ExamplesOf(string verb) => verb switch
    {
        "create" => [new("class create large --pool workstation --cpu 4 --memory 16G --max-storage 50G", "Unsaid: 1 cpu, 2 GB, 10 GB")],
        "edit" => [new("class edit workstation/large --memory 32G", "Running sessions keep what they have")],
        "show" => [new("class show large", "By name, pool/name or id")],
        "delete" => [new("class delete large", "The default class of a pool cannot go")],
        _ => [new("class list", "What `berth session start --class` can name")],
    };
}
