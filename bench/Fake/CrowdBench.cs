using System.Net.Http.Headers;
using Berth.Contracts.Sessions;

namespace Berth.Bench.Fake;

/// <summary>
/// What sessions cost that do not change, and what open pages cost: first with few live sessions, then with many; then
/// with browsers that listen, while some sessions change.
/// </summary>
public static class CrowdBench
{
    private const int Few = 100;
    private const int Many = 2000;
    private const int Browsers = 500;
    private const int Changes = 300;
    private static readonly TimeSpan For = TimeSpan.FromSeconds(60);

    public static async Task<Table> RunAsync()
    {
        await using var server = await FakeBench.StartAsync(users: Browsers);
        var agents = new List<FakeAgent>();
        var table = new Table("Crowds on fake compute", "berth-server", "", "see each row");

        var sessions = await GrowAsync(server, agents, 0, Few);
        var few = await IdleAsync(server);
        table.Add($"{Few} live sessions that do not change: processor for {For.TotalSeconds:0} s, ms", few.Cpu.TotalMilliseconds, "–")
            .Add("… times at the database", few.Operations, "–")
            .Add("… milliseconds of processor for each change of one", await ChangesAsync(server, sessions), "–");

        sessions = [.. sessions, .. await GrowAsync(server, agents, Few, Many - Few)];
        var many = await IdleAsync(server);
        table.Add($"{Many} live sessions that do not change: processor for {For.TotalSeconds:0} s, ms", many.Cpu.TotalMilliseconds, "as with few")
            .Add("… times at the database", many.Operations, "as with few")
            .Add("… milliseconds of processor for each change of one", await ChangesAsync(server, sessions), "as with few");

        var memory = (await server.UseAsync()).Memory;
        using var http = new HttpClient(new SocketsHttpHandler { MaxConnectionsPerServer = Browsers + 1 }) { BaseAddress = FakeBench.Address };
        var heard = 0L;
        using var stop = new CancellationTokenSource();
        var listening = new List<Task>();
        foreach (var token in server.Tokens)
            listening.Add(await ListenAsync(http, token, () => Interlocked.Increment(ref heard), stop.Token));
        var pages = await IdleAsync(server);
        table.Add($"{Browsers} browsers that listen: memory more, kB each", (pages.Memory - memory) / 1e3 / Browsers, "–")
            .Add("… processor while nothing changes, for the same time, ms", pages.Cpu.TotalMilliseconds, "–");
        heard = 0;
        table.Add("… milliseconds of processor for each change of one", await ChangesAsync(server, sessions), "–")
            .Add("… events that arrived for each change", (double)Interlocked.Read(ref heard) / Changes, "≥ 1");

        await stop.CancelAsync();
        await Task.WhenAll(listening);
        agents.ForEach(agent => agent.Dispose());
        return table;
    }

    private static async Task<List<SessionView>> GrowAsync(FakeBench server, List<FakeAgent> agents, int from, int count)
    {
        var sessions = new List<SessionView>();
        foreach (var part in Enumerable.Range(from, count).Chunk(50))
        {
            var started = await Task.WhenAll(part.Select(async i =>
                (await server.Users[i % Browsers].StartSessionAsync(new StartRequest(Image: "busybox", Name: $"s{i}"), default)).Session));
            foreach (var session in started)
            {
                while (!File.Exists(Path.Combine(server.Folder(session.Id), FakeServer.AgentTokenFile)))
                    await Task.Delay(20);
                agents.Add(await FakeAgent.ConnectAsync(server, session));
            }

            sessions.AddRange(started);
        }

        await Task.Delay(TimeSpan.FromSeconds(5)); // what was begun ends
        return sessions;
    }

    private static async Task<Use> IdleAsync(FakeBench server)
    {
        var before = await server.UseAsync();
        await Task.Delay(For);
        var after = await server.UseAsync();
        return new Use(after.Operations - before.Operations, after.Cpu - before.Cpu, after.Memory);
    }

    private static async Task<double> ChangesAsync(FakeBench server, List<SessionView> sessions)
    {
        var before = await server.UseAsync();
        for (var i = 0; i < Changes; i++)
        {
            var index = i % Few;
            await server.Users[index % Browsers].ExtendSessionAsync(sessions[index].Id, new ExtendRequest(60), default);
        }

        var after = await server.UseAsync();
        return (after.Cpu - before.Cpu).TotalMilliseconds / Changes;
    }

    private static async Task<Task> ListenAsync(HttpClient http, string token, Action heard, CancellationToken ct)
    {
        var request = new HttpRequestMessage(HttpMethod.Get, "api/berth/events");
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        var answer = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, ct);
        answer.EnsureSuccessStatusCode();
        return Task.Run(
            async () =>
            {
                using var reader = new StreamReader(await answer.Content.ReadAsStreamAsync(ct));
                try
                {
                    while (await reader.ReadLineAsync(ct) is { } line)
                    {
                        if (line == "event: change")
                            heard();
                    }
                }
                catch (OperationCanceledException)
                {
                    // The browser leaves.
                }
            },
            CancellationToken.None);
    }
}
