using System.Text.Json;
using Berth.Agent.Services.Processes;
using Berth.Agent.Services.Ssh;
using Berth.Contracts.Json;
using Berth.Contracts.Services;
using Berth.Tunnel;
using Berth.Tunnel.Resumable;

namespace Berth.Agent.Services;

/// <summary>Finds the service of a request. Streams belong to the session's start, not to a connection to the server.</summary>
internal sealed class ServiceRegistry
{
    private readonly TcpService _tcp;
    private readonly PortsService _ports;
    private readonly ExecService _exec;
    private readonly TerminalService _terminals;
    private readonly SshService _ssh;
    private readonly FilesService _files;

    public ServiceRegistry(CommandStarter commands, PortWatch ports, Loopback loopback, SshService ssh, TimeProvider time)
    {
        _tcp = new TcpService(loopback);
        _ports = new PortsService(ports);
        _exec = new ExecService(commands);
        _terminals = new TerminalService(commands, time);
        _ssh = ssh;
        _files = new FilesService(commands);
        Host = new ResumableHost(OpenAsync, new ResumableOptions { Time = time, HoldOfClosed = TimeSpan.FromSeconds(30) });
    }

    /// <summary>Whether a client copies files now.</summary>
    public bool Copies => _files.Copies;

    /// <summary>Takes carriers.</summary>
    public ResumableHost Host { get; }

    private Task<Serving> OpenAsync(ReadOnlyMemory<byte> request, CancellationToken ct) => Read(request) switch
    {
        TcpRequest tcp => _tcp.OpenAsync(tcp, ct),
        PortsRequest ports => _ports.OpenAsync(ports, ct),
        ExecRequest exec => _exec.OpenAsync(exec, ct),
        TerminalRequest terminal => _terminals.OpenAsync(terminal, ct),
        TerminalsRequest terminals => _terminals.OpenAsync(terminals, ct),
        SshRequest login => _ssh.OpenAsync(login, ct),
        UploadRequest upload => _files.OpenAsync(upload, ct),
        DownloadRequest download => _files.OpenAsync(download, ct),
        _ => throw Unknown("this"),
    };

    private static ServiceRequest? Read(ReadOnlyMemory<byte> request)
    {
        try
        {
            return JsonSerializer.Deserialize(request.Span, ServiceJson.Default.ServiceRequest);
        }
        catch (Exception e) when (e is JsonException or NotSupportedException)
        {
            throw Unknown("what was asked for");
        }
    }

    private static StreamRefusedException Unknown(string what) =>
        new($"The session's agent does not know {what}: it may be older than your command. Pause the session and resume it to get a new one.");
}
