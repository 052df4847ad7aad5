using System.Globalization;
using Berth.Bench;
using Berth.Bench.Fake;

if (args is ["fake-server", var data, var port, var users])
    return await FakeServer.RunAsync(data, int.Parse(port, CultureInfo.InvariantCulture), int.Parse(users, CultureInfo.InvariantCulture));

// bench/run [NAME …]: all of them when none is named, but the soak, which takes half an hour.
var all = new Dictionary<string, Func<Task<Table>>>
{
    ["start"] = () => WithServerAsync(StartBench.RunAsync),
    ["starts"] = () => WithServerAsync(ManyStartsBench.RunAsync),
    ["cli"] = () => WithServerAsync(CliBench.RunAsync),
    ["server"] = () => WithServerAsync(ServerBench.RunAsync),
    ["proxy"] = () => WithServerAsync(ProxyBench.RunAsync),
    ["creations"] = CreationBench.RunAsync,
    ["crowd"] = CrowdBench.RunAsync,
    ["files"] = () => WithServerAsync(FilesBench.RunAsync),
    ["queue"] = QueueBench.RunAsync,
    ["soak"] = () => WithServerAsync(SoakBench.RunAsync),
};
var chosen = args.Length == 0 ? [.. all.Keys.Where(name => name != "soak")] : args;
if (chosen.FirstOrDefault(name => !all.ContainsKey(name)) is { } unknown)
{
    Console.Error.WriteLine($"There is no bench '{unknown}'; there are {string.Join(", ", all.Keys)}.");
    return 2;
}

Console.WriteLine(Machine.Describe());
foreach (var name in chosen)
{
    Console.WriteLine();
    Console.WriteLine(await all[name]());
}

return 0;

static async Task<Table> WithServerAsync(Func<BenchServer, Task<Table>> bench)
{
    await using var server = await BenchServer.StartAsync();
    return await bench(server);
}
