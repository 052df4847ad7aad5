using System.Diagnostics;
using Berth.Core.Queues;

namespace Berth.Bench;

/// <summary>Rounds of placement on machines that exist in numbers only.</summary>
public static class QueueBench
{
    private const int Waiting = 1000;
    private const int Nodes = 100;
    private const int Rounds = 200;
    private const long GiB = 1L << 30;

    private static readonly DateTimeOffset Now = new(2026, 11, 20, 12, 0, 0, TimeSpan.Zero);
    private static readonly UptimeWindow Nights = UptimeWindow.Parse("Mon-Fri 18:00-08:00", TimeZoneInfo.Utc);

    public static Task<Table> RunAsync()
    {
        var empty = Lab(fair: false);
        var full = Carry(empty, Scheduler.Decide(empty));
        var fair = Lab(fair: true);
        var table = new Table($"Queue: {Waiting} sessions wait, {Nodes} machines", "berth", "", "see each row");
        foreach (var (what, round) in new[] { ("machines empty", empty), ("machines empty and fair", fair), ("machines full", full) })
        {
            var (milliseconds, processor, placed) = Measure(round);
            table.Add($"{what}, {placed} placed: a round, ms", milliseconds[Rounds / 2], "–")
                .Add("… its processor time, ms", processor, "< 10")
                .Add("… decisions (a place, or why not and for how long) per second of a core", Waiting / processor * 1000, "–");
        }

        return Task.FromResult(table);
    }

    private static (List<double> Milliseconds, double Processor, int Placed) Measure(Round round)
    {
        using var process = Process.GetCurrentProcess();
        var (milliseconds, placed, before) = (new List<double>(), 0, TimeSpan.Zero);
        for (var i = -Rounds; i < Rounds; i++)
        {
            if (i == 0)
                before = process.TotalProcessorTime;
            var watch = Stopwatch.StartNew();
            placed = Scheduler.Decide(round).Placements.Count;
            if (i >= 0)
                milliseconds.Add(watch.Elapsed.TotalMilliseconds);
        }

        process.Refresh();
        var processor = (process.TotalProcessorTime - before).TotalMilliseconds / Rounds;
        milliseconds.Sort();
        return (milliseconds, processor, placed);
    }

    // Sessions of 200 users, hardly two alike, in three queues; a quarter of them with gpus.
    private static Round Lab(bool fair)
    {
        var random = new Random(1);
        string[] queues = ["teaching", "research", "spare"];
        var nodes = Enumerable.Range(0, Nodes).Select(i => new Node
        {
            Id = $"node{i:000}",
            Name = $"lab{i}",
            Queues = [.. queues.Skip(i % 3), .. queues.Take(i % 3)],
            Fair = fair,
            Cpu = 32,
            MemoryBytes = 256 * GiB,
            DiskBytes = 4000 * GiB,
            GpuIds = i % 2 == 0 ? [.. Enumerable.Range(0, 4).Select(g => $"GPU-{i}-{g}")] : [],
            Uptime = i % 4 == 1 ? Nights : null,
        });
        var waiting = Enumerable.Range(0, Waiting).Select(i => new WaitingSession(
            $"session{i:0000}", $"user{random.Next(200)}", queues[random.Next(3)], random.Next(-1, 2), Now.AddMinutes(-random.Next(600)),
            new(random.Next(1, 64) / 4.0, random.Next(1, 64) * GiB, random.Next(4) == 0 ? random.Next(1, 5) : 0, random.Next(1, 200) * GiB))
        {
            Longest = random.Next(2) == 0 ? TimeSpan.FromHours(random.Next(1, 48)) : null,
        });
        var recent = Enumerable.Range(0, 1000).Select(i => new RecentSession(
            queues[i % 3], i % 4 == 0 ? 1 : 0, TimeSpan.FromMinutes(random.Next(300)), TimeSpan.FromMinutes(random.Next(1, 600))));
        return new(Now, [.. waiting], [.. nodes]) { Recent = [.. recent] };
    }

    // The same sessions come once more after those that fit have been placed.
    private static Round Carry(Round round, Plan plan)
    {
        var waiting = round.Waiting.ToDictionary(s => s.Id);
        var placed = plan.Placements.ToLookup(p => p.NodeId);
        var nodes = round.Nodes.Select(node => node with
        {
            Sessions = [.. placed[node.Id].Select(p => (p, s: waiting[p.SessionId])).Select(x => new PlacedSession(
                $"old-{x.p.SessionId}", x.s.Owner, x.s.Queue, x.s.Priority, x.s.SubmittedAt, Now, x.s.Demand, x.p.GpuIds) { EndsAt = Now + x.s.Longest })],
        });
        var rest = plan.Waits.Select(w => waiting[w.SessionId]).ToList();
        var full = Enumerable.Range(0, Waiting).Select(i => rest[i % rest.Count] with { Id = $"more{i:0000}" });
        return round with { Nodes = [.. nodes], Waiting = [.. full] };
    }
}
