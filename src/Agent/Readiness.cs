using System.Net.Sockets;
using System.Text;
using Berth.Tunnel;

namespace Berth.Agent;

/// <summary>
/// Waits until the front end answers HTTP: any status will do, an open port will not. Meanwhile it says what it sees, so
/// that a front end on another port or one that does not speak HTTP is told from one that is slow.
/// </summary>
internal sealed class Readiness(int port, string path, Loopback loopback, ListeningPorts ports, AgentState state, TimeProvider time)
{
    private const int MostOthers = 5;
    private static readonly TimeSpan s_firstPause = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan s_lastPause = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan s_answerWithin = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan s_lookAround = TimeSpan.FromSeconds(2);

    private enum Probe
    {
        Nobody,
        NotHttp,
        Answer,
    }

    public async Task WaitAsync(CancellationToken ct)
    {
        var waiting = $"waiting for an answer on port {port}";
        state.Detail(waiting);
        var request = Encoding.ASCII.GetBytes($"GET {path} HTTP/1.1\r\nHost: localhost:{port}\r\nUser-Agent: berth-agent\r\nConnection: close\r\n\r\n");
        var lookedAround = time.GetTimestamp();
        for (var pause = s_firstPause; ; pause = TimeSpan.FromTicks(Math.Min((long)(pause.Ticks * 1.3), s_lastPause.Ticks)))
        {
            var probe = await AskAsync(request, ct);
            if (probe == Probe.Answer)
                return;
            if (time.GetElapsedTime(lookedAround) > s_lookAround)
            {
                lookedAround = time.GetTimestamp();
                state.Detail(Describe(waiting, probe));
            }
            await Task.Delay(pause, time, ct);
        }
    }

    private string Describe(string waiting, Probe probe)
    {
        if (probe == Probe.NotHttp)
            return $"{waiting}; the port is open, but does not answer HTTP";
        if (ports.IsTaken(port))
            return $"{waiting}; something else on this machine listens there, whose network the session shares: choose another with --port";
        var others = ports.Find().Where(other => other != port).Take(MostOthers).ToList();
        return others.Count == 0 ? waiting : $"{waiting}; something listens on {string.Join(", ", others)} instead";
    }

    private async Task<Probe> AskAsync(byte[] request, CancellationToken ct)
    {
        using var limit = new CancellationTokenSource(s_answerWithin, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(ct, limit.Token);
        try
        {
            var (app, _) = await loopback.ConnectAsync(port, either.Token);
            if (app is null)
                return Probe.Nobody;
            await using var stream = app;
            await stream.WriteAsync(request, either.Token);
            var answer = new byte[5];
            await stream.ReadExactlyAsync(answer, either.Token);
            return answer.AsSpan().SequenceEqual("HTTP/"u8) ? Probe.Answer : Probe.NotHttp;
        }
        catch (Exception e) when (e is SocketException or IOException || e is OperationCanceledException && !ct.IsCancellationRequested)
        {
            return Probe.NotHttp;
        }
    }
}
