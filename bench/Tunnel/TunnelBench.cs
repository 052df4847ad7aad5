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
    private const int Rounds = 5;
    private const int Streams = 8;
    private const int Burst = 40;
    private const int BurstBytes = 16 * 1024;
    private const int Opens = 100;
    private const int Keys = 100;
    private const int SshPort = 8385;
    private const long Bytes = 512L << 20;
    private static readonly TimeSpan s_far = TimeSpan.FromMilliseconds(20);

    public static async Task<Table> RunAsync()
    {
        var table = new Table("Tunnel, with TLS but over Unix sockets", "berth", "ssh -L", "see each row");
        using (var app = new FarApp(Loopback()))
        using (var ssh = await Ssh.StartAsync(IPAddress.Loopback, Start, app.Port, SshPort))
        {
            await using (var berth = await BerthWays.StartAsync(IPAddress.Loopback, Start, app.Port))
                await LoopbackAsync(table, berth);
            await using (var berth = await BerthWays.StartAsync(null, Start, app.Port))
                await UnixAsync(table, berth);
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
            await FarAsync(table, berth);
        return table;
    }

    private static async Task LoopbackAsync(Table table, BerthWays berth)
    {
        var (forward, dial, ssh) = Ways(berth);
        var down = await InTurnAsync(way => way.DownAsync(1, Bytes), forward, dial, ssh);
        var up = await InTurnAsync(way => way.UpAsync(Bytes), forward, dial, ssh);
        var many = await InTurnAsync(way => way.DownAsync(Streams, Bytes / Streams), forward, dial, ssh);
        var first = await InTurnAsync(FirstBytesAsync, forward, dial, ssh);
        var burst = await InTurnAsync(way => way.BurstAsync(Burst, BurstBytes), forward, dial, ssh);
        var echo = await InTurnAsync(way => way.EchoWhileBusyAsync(Keys), forward, dial, ssh);
        Add("forward", forward);
        Add("the server's dial", dial);

        void Add(string name, Way way) => table
            .Add($"loopback, {name}: one stream down, MB/s", down[way], down[ssh], "ratio ≥ 1.1")
            .Add("… one stream up, MB/s", up[way], up[ssh], "ratio ≥ 0.9")
            .Add($"… {Streams} streams down, MB/s", many[way], many[ssh], "ratio ≥ 1.4")
            .Add("… new stream and first byte, p50, ms", first[way], first[ssh], "< 2")
            .Add($"… {Burst} streams at once, {BurstBytes / 1024} KiB each, ms", burst[way], burst[ssh], "ratio ≤ 1.5")
            .Add("… echo of a key during a bulk copy, p99, ms", [P99(echo[way])], [P99(echo[ssh])], "< 20");
    }

    private static async Task UnixAsync(Table table, BerthWays berth)
    {
        var (forward, dial, ssh) = Ways(berth);
        var down = await InTurnAsync(way => way.DownAsync(1, Bytes), forward, dial, ssh);
        var up = await InTurnAsync(way => way.UpAsync(Bytes), forward, dial, ssh);
        foreach (var way in (Way[])[forward, dial])
        {
            table.Add($"Unix sockets, {way.Name}: one stream down, MB/s", down[way], down[ssh], "ratio ≥ 2")
                .Add("… one stream up, MB/s", up[way], up[ssh], "ratio ≥ 2");
        }
    }

    private static async Task FarAsync(Table table, BerthWays berth)
    {
        var (forward, dial, ssh) = Ways(berth);
        var down = await InTurnAsync(way => way.DownAsync(1, Bytes), forward, dial, ssh);
        var up = await InTurnAsync(way => way.UpAsync(Bytes), forward, dial, ssh);
        var first = await InTurnAsync(FirstBytesAsync, forward, dial, ssh);
        foreach (var way in (Way[])[forward, dial])
        {
            table.Add($"{s_far.TotalMilliseconds} ms, {way.Name}: one stream down, MB/s", down[way], down[ssh], "ratio ≥ 1.5")
                .Add("… one stream up, MB/s", up[way], up[ssh], "ratio ≥ 1.5")
                .Add("… new stream and first byte, p50, ms", first[way], first[ssh], "one round trip");
        }
    }

    private static (Way Forward, Way Dial, Way Ssh) Ways(BerthWays berth) =>
        (new Way("forward", berth.Forwarded), new Way("the server's dial", berth.Dialled), new Way("ssh -L", SshPort));

    private static async Task<List<double>> FirstBytesAsync(Way way)
    {
        var took = new List<double>();
        for (var i = 0; i < Opens / Rounds; i++)
            took.Add(await way.FirstByteAsync());
        return took;
    }

    private static Task<Dictionary<Way, List<double>>> InTurnAsync(Func<Way, Task<double>> measure, params Way[] ways) =>
        InTurnAsync(async way => (List<double>)[await measure(way)], ways);

    // One of each unmeasured, then in turn, so that a machine that drifts does so under all.
    private static async Task<Dictionary<Way, List<double>>> InTurnAsync(Func<Way, Task<List<double>>> measure, params Way[] ways)
    {
        var samples = ways.ToDictionary(way => way, _ => new List<double>());
        for (var round = 0; round <= Rounds; round++)
        {
            foreach (var way in ways)
            {
                var measured = await measure(way);
                if (Environment.GetEnvironmentVariable("TRACE") is not null) Console.Error.WriteLine($"{way.Name} {measured[0]:0.0}");
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
