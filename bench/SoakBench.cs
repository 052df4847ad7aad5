using System.Diagnostics;
using System.Globalization;
using Berth.Contracts.Sessions;

namespace Berth.Bench;

/// <summary>Half an hour of starts and stops of a small app, about one a second: what the server holds at its begin and at its end.</summary>
public static class SoakBench
{
    private static readonly TimeSpan For = TimeSpan.FromMinutes(
        double.Parse(Environment.GetEnvironmentVariable("BENCH_SOAK_MINUTES") ?? "30", CultureInfo.InvariantCulture));

    public static async Task<Table> RunAsync(BenchServer server)
    {
        var watch = Stopwatch.StartNew();
        var (starts, samples) = (0, new List<Held>());
        var people = Task.WhenAll(PersonAsync("one"), PersonAsync("two"));
        // The first minutes fill pools and caches: what counts is what comes after.
        while (watch.Elapsed < For)
        {
            await Task.Delay(For / 30);
            samples.Add(Held.By(server));
            await Console.Error.WriteLineAsync($"bench: {watch.Elapsed:mm\\:ss} {starts} starts, {samples[^1]}");
        }

        await people;
        var (early, late) = (samples[(samples.Count / 6)..(samples.Count / 3)], samples[^(samples.Count / 6)..]);
        var table = new Table($"{For.TotalMinutes:0} minutes of starts and stops, {starts} in all", "last sixth", "second sixth", "see each row");
        Add("resident memory, MB", held => held.Megabytes);
        Add("file handles", held => held.Handles);
        Add("threads", held => held.Threads);
        return table.Add("database per start, kB", samples[^1].Database / 1e3 / starts, "–");

        void Add(string what, Func<Held, double> of) => table.Add(what, [.. late.Select(of)], [.. early.Select(of)], "ratio about 1");

        async Task PersonAsync(string name)
        {
            for (var i = 0; watch.Elapsed < For; i++)
            {
                using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(2));
                var (session, _) = await server.Client.StartSessionAsync(
                    new StartRequest(Image: ProxyBench.Image, Name: $"{name}-{i}", Port: 8888), limit.Token);
                await server.UntilAsync(session.Id, "running", limit.Token);
                await server.Client.StopSessionAsync(session.Id, deleteWork: true, limit.Token);
                await server.UntilAsync(session.Id, "ended", limit.Token);
                Interlocked.Increment(ref starts);
                await Task.Delay(TimeSpan.FromSeconds(1));
            }
        }
    }

    private sealed record Held(double Megabytes, int Handles, int Threads, long Database)
    {
        public static Held By(BenchServer server)
        {
            using var process = Process.GetProcessById(server.ProcessId);
            var database = Directory.EnumerateFiles(server.Data, "berth.db*").Sum(file => new FileInfo(file).Length);
            return new Held(process.WorkingSet64 / 1e6, Directory.EnumerateFiles($"/proc/{server.ProcessId}/fd").Count(), process.Threads.Count, database);
        }
    }
}
