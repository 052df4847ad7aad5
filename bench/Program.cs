using Berth.Bench;

// bench/run [start|cli|server|proxy …] : all of them when none is named.
var all = new Dictionary<string, Func<BenchServer, Task<Table>>>
{
    ["start"] = StartBench.RunAsync,
    ["cli"] = CliBench.RunAsync,
    ["server"] = ServerBench.RunAsync,
    ["proxy"] = ProxyBench.RunAsync,
};
var chosen = args.Length == 0 ? [.. all.Keys] : args;
if (chosen.FirstOrDefault(name => !all.ContainsKey(name)) is { } unknown)
{
    Console.Error.WriteLine($"There is no bench '{unknown}'; there are {string.Join(", ", all.Keys)}.");
    return 2;
}

Console.WriteLine(Machine.Describe());
foreach (var name in chosen)
{
    await using var server = await BenchServer.StartAsync();
    Console.WriteLine();
    Console.WriteLine(await all[name](server));
}

return 0;
