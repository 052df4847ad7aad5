using System.Globalization;
using System.Net;
using Berth.Bench;
using Berth.Bench.Fake;
using Berth.Bench.Tunnel;

if (args is ["fake-server", var data, var port, var users, .. var address])
{
    return await FakeServer.RunAsync(
        data, int.Parse(port, CultureInfo.InvariantCulture), int.Parse(users, CultureInfo.InvariantCulture), address is [var ip] ? IPAddress.Parse(ip) : null);
}

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
    ["agent"] = AgentBench.RunAsync,
    ["agents"] = AgentsBench.RunAsync,
    ["tunnel"] = TunnelBench.RunAsync,
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
