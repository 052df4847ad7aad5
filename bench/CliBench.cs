namespace Berth.Bench;

/// <summary>The command as published, beside Docker's.</summary>
public static class CliBench
{
    private const int Runs = 40;

    public static async Task<Table> RunAsync(BenchServer server)
    {
        var (session, _) = await server.Client.StartSessionAsync(new(), CancellationToken.None);
        await server.UntilAsync(session.Id, "running", CancellationToken.None);
        var berth = Path.Combine(BenchServer.Published, "berth");
        var variables = new Dictionary<string, string> { ["BERTH_DATA"] = server.Data };
        var table = new Table("Command", "berth", "docker", "ms");
        foreach (var (ours, peer) in new (string[], string[])[] { (["--version"], ["--version"]), (["session", "list"], ["ps"]) })
        {
            var (a, b) = (new List<double>(), new List<double>());
            for (var i = 0; i < Runs + 3; i++)
            {
                var (x, y) = ((await Processes.RunAsync(berth, ours, variables)).Milliseconds, (await Processes.RunAsync("docker", peer)).Milliseconds);
                if (i < 3)
                    continue; // warm files
                a.Add(x);
                b.Add(y);
            }

            table.Add($"`berth {string.Join(' ', ours)}` beside `docker {string.Join(' ', peer)}`, {Runs} each, in turn", a, b, "ratio ≤ 2");
        }

        return table;
    }
}
