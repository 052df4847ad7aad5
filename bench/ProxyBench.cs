using System.Globalization;
using Berth.Contracts.Pools;
using Berth.Contracts.Sessions;

namespace Berth.Bench;

/// <summary>
/// The same app behind Berth's proxy, its access check on, through the agent and with direct reach; beside JupyterHub's
/// configurable-http-proxy and nginx (one worker, upstream keep-alive), which check nothing. All on one machine, in turn.
/// </summary>
public static class ProxyBench
{
    /// <summary>Made by <c>bench/run</c>.</summary>
    public const string Image = "berth/bench-app:latest";
    private const int Rounds = 6;
    private const int Seconds = 4;
    // Enough to keep everything busy all the time; and few enough that nothing waits for a processor.
    private const int Many = 32;
    private const int Few = 2;
    private const long Large = 512L << 20;
    private const int Messages = 4096;
    private const int MessageSize = 64 * 1024;

    public static async Task<Table> RunAsync(BenchServer server)
    {
        var direct = await StartAsync(server, "direct");
        var agent = await StartAsync(server, "agent");
        var app = await InspectAsync(direct.Id, "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}");
        // The agent is the container's first process.
        var agentProcess = int.Parse(await InspectAsync(agent.Id, "{{.State.Pid}}"), CultureInfo.InvariantCulture);
        await using var peers = await Peers.StartAsync($"{app}:8888");
        var ways = new[]
        {
            await EnterAsync(server, "Berth, direct", direct, []), await EnterAsync(server, "Berth, agent", agent, [agentProcess]),
            new Proxied("configurable-http-proxy", Peers.HubPort, peers.HubProcesses), new Proxied("nginx", Peers.NginxPort, peers.NginxProcesses),
        };
        return Compare(await MeasureAsync(ways));
    }

    private static Table Compare(Dictionary<string, Sample> by)
    {
        var (direct, agent, hub, nginx) = (by["Berth, direct"], by["Berth, agent"], by["configurable-http-proxy"], by["nginx"]);
        var table = new Table("Proxy", "berth-server", "peer", "see each row");
        Add(direct, "direct", hub, "configurable-http-proxy", "ratio ≥ 5");
        Add(direct, "direct", nginx, "nginx", "ratio ≥ 0.6");
        Add(agent, "through the agent", hub, "configurable-http-proxy", "ratio ≥ 3.5");
        Add(agent, "through the agent", nginx, "nginx", "–");
        table.Add("requests/s, through the agent (first column) beside direct", agent.PerSecond, direct.PerSecond, "ratio ≥ 0.7");
        table.Add("requests/s, nginx (first column) beside configurable-http-proxy", nginx.PerSecond, hub.PerSecond, "–");
        return table;

        void Add(Sample ours, string way, Sample peer, string name, string wanted) => table
            .Add($"requests/s, {way}, beside {name}", ours.PerSecond, peer.PerSecond, wanted)
            .Add("… p50, ms", ours.P50, peer.P50, "–")
            .Add("… p99, ms", ours.P99, peer.P99, "–")
            .Add("… p50 with two connections, ms", ours.FewP50, peer.FewP50, "–")
            .Add("… p99 with two connections, ms", ours.FewP99, peer.FewP99, "–")
            .Add("… processor per request, µs", ours.Cpu, peer.Cpu, "–")
            .Add("… one download, MB/s", ours.Down, peer.Down, "–")
            .Add("… one upload, MB/s", ours.Up, peer.Up, "–")
            .Add("… one WebSocket, messages of 64 KiB, MB/s", ours.Socket, peer.Socket, "–");
    }

    private static async Task<Dictionary<string, Sample>> MeasureAsync(Proxied[] ways)
    {
        var file = Path.GetTempFileName();
        await using (var upload = File.OpenWrite(file))
            upload.SetLength(Large);
        var samples = ways.ToDictionary(way => way.Name, _ => new Sample());
        foreach (var way in ways)
            await way.LoadAsync(Seconds, Many);
        for (var round = 0; round < Rounds; round++)
        {
            // There and back: none always comes after the same one, which may leave the server warm or cold.
            foreach (var way in round % 2 == 0 ? ways : ways.Reverse())
            {
                var (sample, load) = (samples[way.Name], await way.LoadAsync(Seconds, Many));
                sample.PerSecond.Add(load.PerSecond);
                sample.P50.Add(load.P50);
                sample.P99.Add(load.P99);
                sample.Cpu.Add(load.Cpu);
                var few = await way.LoadAsync(Seconds / 2, Few);
                sample.FewP50.Add(few.P50);
                sample.FewP99.Add(few.P99);
                sample.Down.Add(await way.DownAsync(Large));
                sample.Up.Add(await way.UpAsync(file));
                sample.Socket.Add(await way.SocketAsync(Messages, MessageSize));
            }
        }

        File.Delete(file);
        return samples;
    }

    private static async Task<SessionView> StartAsync(BenchServer server, string reach)
    {
        var limit = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        var pool = new PoolRequest($"bench-{reach}", [new ClassRequest("two cores", 2, 2, 0, 10, Default: true)], Public: true, Reach: reach);
        await server.CreatePoolAsync(pool, limit.Token);
        var (session, _) = await server.Client.StartSessionAsync(
            new StartRequest(Image: Image, Name: $"bench-{reach}", PoolName: pool.Name, Port: 8888), limit.Token);
        return await server.UntilAsync(session.Id, "running", limit.Token);
    }

    private static async Task<string> InspectAsync(string sessionId, string format)
    {
        var (container, _) = await Processes.RunAsync("docker", ["ps", "--quiet", "--filter", $"label=io.berth.session={sessionId}"]);
        var (answer, _) = await Processes.RunAsync("docker", ["inspect", "--format", format, container.Trim()]);
        return answer.Trim();
    }

    // As a browser gets in: a sign-in link, then the gate's redirects.
    private static async Task<Proxied> EnterAsync(BenchServer server, string name, SessionView session, int[] extra)
    {
        var cookies = new Dictionary<string, Dictionary<string, string>>();
        using var http = Proxied.Http(BenchServer.Port);
        await OpenAsync(new Uri((await server.Client.CreateSignInLinkAsync(CancellationToken.None)).Url));
        var host = await OpenAsync(new Uri($"{BenchServer.Origin}/sessions/{session.Id}/open"));
        return new Proxied(name, BenchServer.Port, [server.ProcessId, .. extra], $"{host}:{BenchServer.Port}", Jar(host));

        string Jar(string of) => cookies.TryGetValue(of, out var jar) ? string.Join("; ", jar.Select(c => $"{c.Key}={c.Value}")) : "";

        async Task<string> OpenAsync(Uri address)
        {
            while (true)
            {
                using var request = new HttpRequestMessage(HttpMethod.Get, address);
                request.Headers.Add("Accept", "text/html");
                request.Headers.Add("Sec-Fetch-Mode", "navigate");
                if (Jar(address.Host) is { Length: > 0 } sent)
                    request.Headers.Add("Cookie", sent);
                using var answer = await http.SendAsync(request, CancellationToken.None);
                foreach (var set in answer.Headers.TryGetValues("Set-Cookie", out var values) ? values : [])
                {
                    var pair = set.Split(';')[0].Split('=', 2);
                    (cookies.TryGetValue(address.Host, out var jar) ? jar : cookies[address.Host] = [])[pair[0]] = pair[1];
                }

                if (answer.Headers.Location is not { } next)
                    return answer.IsSuccessStatusCode ? address.Host : throw new InvalidOperationException($"{address} answers {(int)answer.StatusCode}.");
                address = new Uri(address, next);
            }
        }
    }

    private sealed record Sample
    {
        public List<double> PerSecond { get; } = [];
        public List<double> P50 { get; } = [];
        public List<double> P99 { get; } = [];
        public List<double> FewP50 { get; } = [];
        public List<double> FewP99 { get; } = [];
        public List<double> Cpu { get; } = [];
        public List<double> Down { get; } = [];
        public List<double> Up { get; } = [];
        public List<double> Socket { get; } = [];
    }
}
