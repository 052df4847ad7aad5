using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Berth.Bench.Fake;
using Berth.Contracts.Sessions;
using Berth.Core.Agents;

namespace Berth.Bench.Tunnel;

/// <summary>The published agent by itself: what every session has on board.</summary>
public static class AgentBench
{
    private const int Starts = 15;
    private static readonly TimeSpan s_settle = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan s_idle = TimeSpan.FromSeconds(30);

    public static async Task<Table> RunAsync()
    {
        using var app = new FarApp(Loopback());
        await using var server = await FakeBench.StartAsync(users: 1);
        var table = new Table("Agent", "berth-agent", "", "see each row")
            .Add("size on disk, one copy for all sessions of a machine, MB", Directory.EnumerateFiles(Bundle, "*", SearchOption.AllDirectories).Sum(file => new FileInfo(file).Length) / 1e6, "–");
        var took = new List<double>();
        for (var i = 0; i < Starts; i++)
        {
            var (session, _) = await server.Owner.StartSessionAsync(new StartRequest(Image: "busybox", Name: $"bench-{i}"), default);
            using var agent = await ConnectAsync(server, session, app.Port, took);
            await BerthWays.RunningAsync(server, session.Id);
            if (i == Starts - 1)
                await RestAsync(table, agent.ProcessId);
        }

        return table.Add("from its start to connected, over the session's socket, ms", Table.Median(took), "–");
    }

    private static string Bundle => RealAgent.Bundle;

    private static async Task<RealAgent> ConnectAsync(FakeBench server, SessionView session, int port, List<double> took)
    {
        var order = RealAgent.OrderOf(session, port, $"unix:{server.Folder(session.Id)}/{AgentFiles.Socket}");
        var token = await server.AgentTokenAsync(session.Id);
        var watch = Stopwatch.StartNew();
        var agent = new RealAgent(order, token, null, run => Process.Start(run)!);
        await server.ConnectedAsync(session.Id);
        took.Add(watch.Elapsed.TotalMilliseconds);
        return agent;
    }

    private static async Task RestAsync(Table table, int pid)
    {
        await Task.Delay(s_settle);
        var before = Processes.ProcessorTime([pid]);
        await Task.Delay(s_idle);
        table.Add("memory, idle (resident), MB", Kilobytes(pid, "Rss:") / 1e3, "–")
            .Add("… of it not its program's files, which all sessions of a machine share, MB", (Kilobytes(pid, "Anonymous:") + Kilobytes(pid, "Pss_Shmem:")) / 1e3, "–")
            .Add($"processor, idle for {s_idle.TotalSeconds:0} s, % of a core", (Processes.ProcessorTime([pid]) - before) / s_idle * 100, "–");
    }

    private static TcpListener Loopback()
    {
        var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return listener;
    }

    private static double Kilobytes(int pid, string name) => File.ReadLines($"/proc/{pid}/smaps_rollup")
        .Where(line => line.StartsWith(name, StringComparison.Ordinal))
        .Sum(line => double.Parse(line[name.Length..].Replace("kB", "", StringComparison.Ordinal), CultureInfo.InvariantCulture) * 1.024);
}
