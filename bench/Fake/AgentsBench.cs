using System.Diagnostics;
using System.Net;
using Berth.Contracts.Sessions;
using Berth.Tunnel;

namespace Berth.Bench.Fake;

/// <summary>
/// Agents of idle sessions, each with its connection over TLS: what they cost a server, and how soon they are all back
/// after it was killed and started again. Their connections, words and pauses are the real agent's.
/// </summary>
public static class AgentsBench
{
    private const int Few = 500;
    private const int Many = 5000;
    private const int StartsAtOnce = 50;
    private static readonly TimeSpan s_settle = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan s_idle = TimeSpan.FromSeconds(60);

    public static async Task<Table> RunAsync()
    {
        var server = await FakeBench.StartAsync(users: 0, IPAddress.Loopback);
        var table = new Table("Agents of idle sessions, by TLS", "berth-server", "", "see each row");
        using var stop = new CancellationTokenSource();
        var crowd = new Crowd(stop.Token);
        try
        {
            var few = await StartAsync(server, 0, Few);
            await crowd.ConnectAsync(server, few);
            server = await RestartAsync(server, crowd, table, $"{Few} agents", "< 10");

            // The rest run without agents first, so that the difference is theirs.
            var rest = await StartAsync(server, Few, Many - Few);
            await Task.Delay(s_settle);
            var without = await server.MemoryAsync();
            await crowd.ConnectAsync(server, rest);
            await Task.Delay(s_settle);
            var held = await server.MemoryAsync();
            var with = await server.UseAsync();
            await Task.Delay(s_idle);
            var idle = await server.UseAsync();
            table.Add($"{Many} agents: memory that each holds, kB", (held - without) / 1e3 / (Many - Few), "≤ 60")
                .Add($"… processor while nothing happens for {s_idle.TotalSeconds:0} s, % of a core", (idle.Cpu - with.Cpu) / s_idle * 100, "< 5");
            server = await RestartAsync(server, crowd, table, $"{Many} agents", "< 30");
        }
        finally
        {
            await stop.CancelAsync();
            await server.DisposeAsync();
        }

        return table;
    }

    private static async Task<FakeBench> RestartAsync(FakeBench server, Crowd crowd, Table table, string who, string wanted)
    {
        crowd.Forget();
        var watch = Stopwatch.StartNew();
        await server.KillAsync();
        server = await FakeBench.StartAsync(users: 0, IPAddress.Loopback, server.Data);
        var answers = watch.Elapsed.TotalSeconds;
        var (half, all) = await crowd.BackAsync(watch);
        table.Add($"{who}: the killed server answers again after, s", answers, "–")
            .Add("… half of the agents are back after, s", half, "–")
            .Add("… all of them, s", all, wanted)
            .Add("… the server's processor until then, s", (await server.UseAsync()).Cpu.TotalSeconds, "–")
            .Add("… attempts of each meanwhile", crowd.Attempts, "–")
            .Add("… most attempts in one second", crowd.MostInASecond, "–");
        return server;
    }

    private static async Task<List<SessionView>> StartAsync(FakeBench server, int from, int count)
    {
        var sessions = new List<SessionView>();
        foreach (var part in Enumerable.Range(from, count).Chunk(StartsAtOnce))
        {
            sessions.AddRange(await Task.WhenAll(part.Select(async i =>
                (await server.Owner.StartSessionAsync(new StartRequest(Image: "busybox", Name: $"s{i}"), default)).Session)));
        }

        return sessions;
    }

    private sealed class Crowd(CancellationToken stop)
    {
        private readonly Lock _lock = new();
        private readonly List<long> _attempts = [];
        private readonly List<long> _entries = [];
        private int _agents;

        public double Attempts => (double)_attempts.Count / _agents;

        public int MostInASecond => _attempts.GroupBy(at => at / Stopwatch.Frequency).Max(second => second.Count());

        public async Task ConnectAsync(FakeBench server, List<SessionView> sessions)
        {
            var authorities = Path.Combine(server.Data, FakeServer.AuthoritiesFile);
            var before = _entries.Count;
            foreach (var session in sessions)
            {
                var dialer = new ServerDialer($"https://127.0.0.1:{FakeBench.Port}", await server.AgentTokenAsync(session.Id), authorities);
                _agents++;
                _ = FakeAgent.StayAsync(dialer, session, () => Note(_attempts), () => Note(_entries), stop);
            }

            while (Count < before + sessions.Count)
                await Task.Delay(50);
        }

        public void Forget()
        {
            lock (_lock)
            {
                _attempts.Clear();
                _entries.Clear();
            }
        }

        /// <summary>Seconds until half of them, and all, are there again.</summary>
        public async Task<(double Half, double All)> BackAsync(Stopwatch since)
        {
            var half = 0.0;
            while (Count < _agents)
            {
                if (half == 0 && Count >= _agents / 2)
                    half = since.Elapsed.TotalSeconds;
                if (since.Elapsed > TimeSpan.FromMinutes(2))
                    throw new InvalidOperationException($"{Count} of {_agents} agents are back after two minutes.");
                await Task.Delay(20);
            }

            return (half, since.Elapsed.TotalSeconds);
        }

        private int Count
        {
            get
            {
                lock (_lock)
                    return _entries.Count;
            }
        }

        private void Note(List<long> of)
        {
            lock (_lock)
                of.Add(Stopwatch.GetTimestamp());
        }
    }
}
