using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Berth.Fakes;

namespace Berth.Bench.Tunnel;

/// <summary>
/// The tunnel beside <c>ssh -L</c> through a local sshd, in turn: over loopback, over a line of 20 ms, and, without TLS,
/// over this machine's Unix sockets.
/// </summary>
public static class TunnelBench
{
    private const int Rounds = 8;
    // A burst is over after some milliseconds, in which a machine of two cores may have had something else to do.
    private const int Bursts = 16;
    private const int Streams = 8;
    private const int Burst = 40;
    private const int BurstBytes = 16 * 1024;
    private const int Opens = 96;
    private const int Keys = 100;
    private const int SshPort = 8385;
    private const long Bytes = 256L << 20;
    private static readonly TimeSpan s_far = TimeSpan.FromMilliseconds(20);

    public static async Task<Table> RunAsync()
    {
        var table = new Table("Tunnel, with TLS but over Unix sockets", "berth", "ssh -L", "see each row");
        using (var app = new FarApp(Loopback()))
        using (var ssh = await Ssh.StartAsync(IPAddress.Loopback, Start, app.Port, SshPort))
        {
            await using (var berth = await BerthWays.StartAsync(IPAddress.Loopback, Start, app.Port))
                await LoopbackAsync(table, berth, ssh);
            await using (var berth = await BerthWays.StartAsync(null, Start, app.Port))
                await UnixAsync(table, berth, ssh);
        }

        using var far = FarNetwork.TryMake(s_far, loss: 0, mtu: 9000, out var why);
        if (far is null)
        {
            Console.Error.WriteLine($"bench: nothing over a line of {s_far.TotalMilliseconds} ms: {why}.");
            return table;
        }

        using (var app = new FarApp(far.Listen()))
        using (var ssh = await Ssh.StartAsync(far.Far, run => far.There(() => Start(run)), app.Port, SshPort))
        await using (var berth = await BerthWays.StartAsync(far.Near, run => far.There(() => Start(run)), app.Port))
            await FarAsync(table, berth, ssh);
        return table;
    }

    private static async Task LoopbackAsync(Table table, BerthWays berth, Ssh server)
    {
        var (forward, dial, ssh) = Ways(berth, server);
        var moved = await MoveAsync(Streams, forward, dial, ssh);
        var first = await InTurnAsync(FirstBytesAsync, forward, dial, ssh);
        var burst = await InTurnAsync(BurstsAsync, forward, dial, ssh);
        var echo = await InTurnAsync(way => way.EchoWhileBusyAsync(Keys), forward, dial, ssh);
        foreach (var way in (Way[])[forward, dial])
        {
            moved.AddTo(table, $"loopback, {way.Name}", way, ssh, ["ratio ≥ 1.1", "ratio ≥ 0.9", "ratio ≥ 1.4"]);
            table.Add("… new stream and first byte, p50, ms", first[way], first[ssh], "< 2")
                .Add($"… {Burst} streams at once, {BurstBytes / 1024} KiB each, ms", burst[way], burst[ssh], "ratio ≤ 1.5")
                .Add("… echo of a key during a bulk copy, p99, ms", [P99(echo[way])], [P99(echo[ssh])], "< 20");
        }
    }

    private static async Task UnixAsync(Table table, BerthWays berth, Ssh server)
    {
        var (forward, dial, ssh) = Ways(berth, server);
        var moved = await MoveAsync(null, forward, dial, ssh);
        foreach (var way in (Way[])[forward, dial])
            moved.AddTo(table, $"Unix sockets, {way.Name}", way, ssh, ["ratio ≥ 2", "ratio ≥ 2"]);
    }

    private static async Task FarAsync(Table table, BerthWays berth, Ssh server)
    {
        var (forward, dial, ssh) = Ways(berth, server);
        var moved = await MoveAsync(null, forward, dial, ssh);
        var first = await InTurnAsync(FirstBytesAsync, forward, dial, ssh);
        foreach (var way in (Way[])[forward, dial])
        {
            moved.AddTo(table, $"{s_far.TotalMilliseconds} ms, {way.Name}", way, ssh, ["ratio ≥ 1.5", "ratio ≥ 1.5"]);
            table.Add("… new stream and first byte, p50, ms", first[way], first[ssh], "one round trip");
        }
    }

    private static async Task<Moved> MoveAsync(int? streams, params Way[] ways)
    {
        var moved = new Moved(
            await InTurnAsync(way => way.WithCpuAsync(w => w.DownAsync(1, Bytes), Bytes), ways),
            await InTurnAsync(way => way.WithCpuAsync(w => w.UpAsync(Bytes), Bytes), ways),
            streams is null ? null : await InTurnAsync(way => way.DownAsync(streams.Value, Bytes / streams.Value), ways));
        return moved;
    }

    private sealed record Moved(
        Dictionary<Way, List<(double Speed, double Cpu)>> Down, Dictionary<Way, List<(double Speed, double Cpu)>> Up, Dictionary<Way, List<double>>? Many)
    {
        public void AddTo(Table table, string name, Way way, Way peer, string[] wanted)
        {
            table.Add($"{name}: one stream down, MB/s", Speeds(Down[way]), Speeds(Down[peer]), wanted[0])
                .Add("… its processor, s per GB", Cpus(Down[way]), Cpus(Down[peer]), "–")
                .Add("… one stream up, MB/s", Speeds(Up[way]), Speeds(Up[peer]), wanted[1])
                .Add("… its processor, s per GB", Cpus(Up[way]), Cpus(Up[peer]), "–");
            if (Many is not null)
                table.Add($"… {Streams} streams down, MB/s", Many[way], Many[peer], wanted[2]);
        }

        private static List<double> Speeds(List<(double Speed, double Cpu)> of) => [.. of.Select(one => one.Speed)];

        private static List<double> Cpus(List<(double Speed, double Cpu)> of) => [.. of.Select(one => one.Cpu)];
    }

    private static (Way Forward, Way Dial, Way Ssh) Ways(BerthWays berth, Ssh ssh) => (
        new Way("forward", berth.Forwarded, [berth.CommandId, .. berth.ProcessIds]), new Way("the server's dial", berth.Dialled, berth.ProcessIds),
        new Way("ssh -L", SshPort, ssh.ProcessIds));

    private static async Task<List<double>> FirstBytesAsync(Way way)
    {
        var took = new List<double>();
        for (var i = 0; i < Opens / Rounds; i++)
            took.Add(await way.FirstByteAsync());
        return took;
    }

    private static async Task<List<double>> BurstsAsync(Way way)
    {
        var took = new List<double>();
        for (var i = 0; i < Bursts / Rounds; i++)
        {
            // What was used is replaced meanwhile.
            await Task.Delay(TimeSpan.FromSeconds(1));
            took.Add(await way.BurstAsync(Burst, BurstBytes));
        }

        return took;
    }

    private static Task<Dictionary<Way, List<T>>> InTurnAsync<T>(Func<Way, Task<T>> measure, params Way[] ways) =>
        InTurnAsync(async way => (List<T>)[await measure(way)], ways);

    // One of each unmeasured, then in turn, so that a machine that drifts does so under all.
    private static async Task<Dictionary<Way, List<T>>> InTurnAsync<T>(Func<Way, Task<List<T>>> measure, params Way[] ways)
    {
        var samples = ways.ToDictionary(way => way, _ => new List<T>());
        for (var round = 0; round <= Rounds; round++)
        {
            Console.Error.Write('.');
            foreach (var way in ways)
            {
                var measured = await measure(way);
                if (round > 0)
                    samples[way].AddRange(measured);
            }
        }

        return samples;
    }

    private static double P99(List<double> of) => of.Order().ElementAt(of.Count * 99 / 100);

    private static Process Start(ProcessStartInfo run) => Process.Start(run)!;

    private static TcpListener Loopback()
    {
        var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start(512);
        return listener;
    }
}
