using System.Collections.Concurrent;
using System.Diagnostics;
using Berth.Contracts.Sessions;

namespace Berth.Bench.Fake;

/// <summary>
/// Session creations at a fixed rate for a minute, by 100 users, whether or not the server keeps up; and, meanwhile, what
/// somebody waits who lists their sessions.
/// </summary>
public static class CreationBench
{
    private const int PerSecond = 200;
    private static readonly TimeSpan For = TimeSpan.FromMinutes(1);

    public static async Task<Table> RunAsync()
    {
        await using var server = await FakeBench.StartAsync(users: 100);
        await server.Users[0].ListSessionsAsync(CancellationToken.None);
        var (posts, lists, failed) = (new ConcurrentBag<double>(), new ConcurrentBag<double>(), 0);
        var (before, watch, running) = (await server.UseAsync(), Stopwatch.StartNew(), new List<Task>());
        for (var i = 0; watch.Elapsed < For; i++)
        {
            // An open loop: the next one does not wait for the last.
            var due = TimeSpan.FromSeconds((double)i / PerSecond);
            if (due > watch.Elapsed)
                await Task.Delay(due - watch.Elapsed);
            running.Add(PostAsync(i));
            if (i % 20 == 0)
                running.Add(TimeAsync(lists, () => server.Users[i % 100].ListSessionsAsync(CancellationToken.None)));
        }

        await Task.WhenAll(running);
        var took = watch.Elapsed;
        var after = await server.UseAsync();
        return new Table("Creations on fake compute", "berth-server", "", "see each row")
            .Add($"creations accepted per second, {PerSecond} a second offered for {For.TotalSeconds:0} s", posts.Count / took.TotalSeconds, $"{PerSecond}")
            .Add("refused or failed", failed, "0")
            .Add("POST, p50, ms", Percentile(posts, 50), "–")
            .Add("POST, p95, ms", Percentile(posts, 95), "< 100")
            .Add("list of one's sessions meanwhile, p95, ms", Percentile(lists, 95), "< 100")
            .Add("times at the database for each creation", (double)(after.Operations - before.Operations) / posts.Count, "–")
            .Add("processor, % of a core", (after.Cpu - before.Cpu) / took * 100, "–");

        Task PostAsync(int i) => TimeAsync(
            posts, () => server.Users[i % 100].StartSessionAsync(new StartRequest(Image: "busybox", Name: $"s{i}"), CancellationToken.None));

        async Task TimeAsync(ConcurrentBag<double> into, Func<Task> act)
        {
            var begun = Stopwatch.GetTimestamp();
            try
            {
                await act();
                into.Add(Stopwatch.GetElapsedTime(begun).TotalMilliseconds);
            }
            catch (Exception e)
            {
                if (Interlocked.Increment(ref failed) == 1)
                    await Console.Error.WriteLineAsync($"bench: {e.Message}");
            }
        }
    }

    private static double Percentile(IEnumerable<double> sample, int percent)
    {
        var sorted = sample.Order().ToList();
        return sorted[(int)Math.Ceiling(sorted.Count * percent / 100.0) - 1];
    }
}
