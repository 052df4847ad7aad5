using System.Net;
using Berth.Cli.Output;
using Berth.Contracts.Services;
using Berth.Contracts.Sessions;

namespace Berth.Cli.Reach;

/// <summary>A port that is open on this machine, and where to go.</summary>
/// <param name="Port">Of the session; null: its SSH.</param>
/// <param name="Local">Address and port of this machine.</param>
/// <param name="Link">Opens it; the front end's has the token that JupyterLab asks for, where the server tells it.</param>
internal sealed record AttachedPort(int? Port, string Local, string Link);

/// <summary>
/// What of a session is open on this machine: its SSH, its front end, and what else a person means. What goes away inside stays
/// open here: programs are started again. What the agent tells is taken for no more than a wish.
/// </summary>
internal sealed class AttachedPorts(SessionView session, string? token, Forwarder forwarder, Report report)
{
    // From here on the kernel gives out ports by itself (ip(7)): notebooks' kernels take five each.
    private const int FirstGivenOut = 32768;
    private const int Most = 256;
    private const int Ssh = 8022;

    // An address, for `localhost` is two: a program of this machine may listen on the other one.
    private static readonly IPAddress s_here = IPAddress.Loopback;

    private readonly HashSet<int> _seen = [];

    /// <summary>Lets SSH clients in that have one of the keys.</summary>
    public AttachedPort OpenSsh(SshRequest request, CancellationToken ct)
    {
        var local = Open(Ssh, request, ct);
        return new AttachedPort(null, $"{s_here}:{local}", $"ssh://{s_here}:{local}");
    }

    /// <summary>Opens those that are not open yet.</summary>
    public List<AttachedPort> Open(IEnumerable<int> told, CancellationToken ct)
    {
        var opened = new List<AttachedPort>();
        foreach (var port in told.Where(IsMeant))
        {
            if (_seen.Count == Most || !_seen.Add(port))
                continue;
            if (_seen.Count == Most)
                report.Warning($"{Most} ports are open; further ones of the session are not. Open those that you need with `berth session forward {session.Name} PORT`.");
            if (TryOpen(port, ct) is { } local)
                opened.Add(new AttachedPort(port, $"{s_here}:{local}", $"http://{s_here}:{local}{(port == session.Berth.Port ? FrontEnd() : "")}"));
        }
        return opened;
    }

    private bool IsMeant(int port) => port is > 0 and < FirstGivenOut || (port == session.Berth.Port && port <= IPEndPoint.MaxPort);

    private string FrontEnd()
    {
        var path = session.Berth.DefaultUrl;
        return token is null ? path : $"{path}{(path.Contains('?') ? '&' : '?')}token={Uri.EscapeDataString(token)}";
    }

    private int? TryOpen(int port, CancellationToken ct)
    {
        try
        {
            return Open(port, new TcpRequest(port), ct);
        }
        catch (CliException e)
        {
            report.Warning($"Port {port} of the session is not open here. {e.Message}");
            return null;
        }
    }

    private int Open(int wanted, ServiceRequest request, CancellationToken ct)
    {
        var socket = LocalPort.Listen(s_here, wanted, isExact: false);
        var local = LocalPort.PortOf(socket);
        _ = forwarder.ServeAsync(socket, request, ct);
        return local;
    }
}
