using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Berth.Contracts.Agents;
using Berth.Core.Agents;
using Berth.Core.Sessions;
using Berth.Server.Tests.Agents;

namespace Berth.Providers.Tests.Agent;

/// <summary>The agent as a process of this machine, against the real hub.</summary>
public abstract class AgentProcessTests : IAsyncLifetime
{
    protected const string Id = "01JZZZZZZZZZZZZZZZZZZZZZZA";
    protected static readonly SessionKey Key = new(Id, 1);
    private Process? _agent;

    private protected DirectoryInfo Folder { get; } = Directory.CreateTempSubdirectory("berth-session-");
    private protected AgentServer Server { get; private set; } = null!;
    protected int AgentPid => _agent!.Id;
    protected static CancellationToken Ct => TestContext.Current.CancellationToken;

    protected string Workspace => Path.Combine(Folder.FullName, "work");
    protected AgentReport? Report => Server.Hub.LastReport(Key);
    protected string Log => Encoding.UTF8.GetString(Server.Logs.ReadTail(Key, 1000));

    public virtual async ValueTask InitializeAsync()
    {
        Directory.CreateDirectory(Workspace);
        Server = await AgentServer.StartAsync();
    }

    public virtual async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        if (_agent is { HasExited: false })
            _agent.Kill(entireProcessTree: true);
        _agent?.Dispose();
        await Server.DisposeAsync();
        Folder.Delete(recursive: true);
    }

    protected void Start(string[] command, Func<AgentOrder, AgentOrder>? change = null, Dictionary<string, string>? variables = null, string[]? within = null)
    {
        Server.Expect(Id);
        _agent?.Dispose();
        var folder = Server.Sockets.Folder(Id);
        var order = new AgentOrder
        {
            SessionId = Id,
            Generation = 1,
            Server = $"unix:{Server.SocketOf(Id)}",
            Command = command,
            MountDirectory = Workspace,
            Port = FreePort(),
        };
        order = change?.Invoke(order) ?? order;
        File.WriteAllText(Path.Combine(folder, AgentFiles.Order), JsonSerializer.Serialize(order, CoreJson.Default.AgentOrder));
        File.WriteAllText(Path.Combine(folder, AgentFiles.Token), Server.Tokens.Issue(Key));
        string[] line = [.. within ?? [], "dotnet", Path.Combine(AppContext.BaseDirectory, "berth-agent.dll"), "session"];
        var start = new ProcessStartInfo(line[0], line[1..]);
        start.Environment["BERTH_SESSION_FOLDER"] = folder;
        foreach (var (name, value) in variables ?? [])
            start.Environment[name] = value;
        _agent = Process.Start(start)!;
    }

    protected async Task<int> ExitCodeAsync()
    {
        await _agent!.WaitForExitAsync(Ct).WaitAsync(TimeSpan.FromSeconds(30), Ct);
        return _agent.ExitCode;
    }

    protected static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
