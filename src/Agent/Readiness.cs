using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Berth.Agent;

/// <summary>
/// Waits until the front end answers HTTP: any status will do, an open port will not. Meanwhile it says what it sees, so
/// that a front end on another port or one that does not speak HTTP is told from one that is slow.
/// </summary>
internal sealed class Readiness(int port, string path, PortWatch ports, AgentState state, TimeProvider time)
{
    private const int MostOthers = 5;
    private static readonly TimeSpan s_firstPause = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan s_lastPause = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan s_answerWithin = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan s_lookAround = TimeSpan.FromSeconds(2);
    private static readonly IPAddress[] s_loopback = [IPAddress.Loopback, IPAddress.IPv6Loopback];

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
            var probe = Probe.Nobody;
            foreach (var address in s_loopback)
            {
                if (probe == Probe.Nobody)
                    probe = await AskAsync(new IPEndPoint(address, port), request, ct);
            }
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
        var others = ports.Now.Ports.Where(other => other != port).Take(MostOthers).ToList();
        return others.Count == 0 ? waiting : $"{waiting}; something listens on {string.Join(", ", others)} instead";
    }

    private async Task<Probe> AskAsync(IPEndPoint endPoint, byte[] request, CancellationToken ct)
    {
        using var limit = new CancellationTokenSource(s_answerWithin, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(ct, limit.Token);
        using var socket = new Socket(endPoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            await socket.ConnectAsync(endPoint, either.Token);
        }
        catch (SocketException)
        {
            return Probe.Nobody;
        }
        try
        {
            for (var rest = request.AsMemory(); rest.Length > 0;)
                rest = rest[await socket.SendAsync(rest, either.Token)..];
            var answer = new byte[5];
            for (var filled = 0; filled < answer.Length;)
            {
                var count = await socket.ReceiveAsync(answer.AsMemory(filled), either.Token);
                if (count == 0)
                    return Probe.NotHttp;
                filled += count;
            }
            return answer.AsSpan().SequenceEqual("HTTP/"u8) ? Probe.Answer : Probe.NotHttp;
        }
        catch (Exception e) when (e is SocketException || e is OperationCanceledException && !ct.IsCancellationRequested)
        {
            return Probe.NotHttp;
        }
    }
}
