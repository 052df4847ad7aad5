using System.Diagnostics;
using System.Net;
using System.Text.Json;
using Berth.Bench.Fake;
using Berth.Contracts.Sessions;
using Berth.Core.Agents;

namespace Berth.Bench.Tunnel;

/// <summary>
/// Berth's two ways to the app: <c>berth session forward</c>, whose bytes go from the command to the server and from there
/// to the agent; and the server's own dial, as its proxy uses it. Command and agent are the published ones; the server has
/// fake compute, and all else real.
/// </summary>
public sealed class BerthWays : IAsyncDisposable
{
    private const int LocalPort = 8386;
    private readonly FakeBench _server;
    private readonly RealAgent _agent;
    private readonly Process _command;
    private readonly string _config;

    private BerthWays(FakeBench server, RealAgent agent, Process command, string config) => (_server, _agent, _command, _config) = (server, agent, command, config);

    /// <summary>Port of loopback that the command opened.</summary>
    public required int Forwarded { get; init; }

    /// <summary>Port of loopback behind which the server dials.</summary>
    public required int Dialled { get; init; }

    /// <summary>Server and agent.</summary>
    public IReadOnlyList<int> ProcessIds => [_server.ProcessId, _agent.ProcessId];

    /// <summary>The command.</summary>
    public int CommandId => _command.Id;

    /// <param name="address">Where agents find the server, by TLS; null: by the session's Unix socket, and the command by the server's.</param>
    /// <param name="start">Starts the agent where the app is.</param>
    /// <param name="app">Port of the app.</param>
    public static async Task<BerthWays> StartAsync(IPAddress? address, Func<ProcessStartInfo, Process> start, int app)
    {
        var server = await FakeBench.StartAsync(users: 1, address);
        var (session, _) = await server.Owner.StartSessionAsync(new StartRequest(Image: "busybox", Name: "bench"), default);
        var authorities = Path.Combine(server.Data, FakeServer.AuthoritiesFile);
        var order = RealAgent.OrderOf(session, app, address is null ? $"unix:{server.Folder(session.Id)}/{AgentFiles.Socket}" : $"https://{address}:{FakeBench.Port}");
        var agent = new RealAgent(order, await server.AgentTokenAsync(session.Id), address is null ? null : authorities, start);
        await RunningAsync(server, session.Id);

        var config = Directory.CreateTempSubdirectory("berth-b-").FullName;
        var (command, forwarded) = await ForwardAsync(server, config, address, app);
        return new BerthWays(server, agent, command, config) { Forwarded = forwarded, Dialled = await server.DoorAsync(session.Id, app) };
    }

    /// <summary>Waits until a session's agent has said that it is ready.</summary>
    public static async Task RunningAsync(FakeBench server, string sessionId)
    {
        while ((await server.Owner.GetSessionAsync(sessionId, default)).Berth.Status != "running")
            await Task.Delay(20);
    }

    public async ValueTask DisposeAsync()
    {
        _command.Kill();
        await _command.WaitForExitAsync();
        _command.Dispose();
        _agent.Dispose();
        await _server.DisposeAsync();
        Directory.Delete(_config, recursive: true);
    }

    private static async Task<(Process Command, int Port)> ForwardAsync(FakeBench server, string config, IPAddress? address, int app)
    {
        var variables = new Dictionary<string, string> { ["BERTH_DATA"] = server.Data, ["XDG_CONFIG_HOME"] = config };
        if (address is not null)
        {
            // The local user's own token, as `berth login` would store it.
            var token = (await server.Owner.CreateTokenAsync(new("bench"), default)).Secret;
            var contexts = new { current = "bench", contexts = new { bench = new { url = $"https://{address}:{FakeBench.Port}", token } } };
            var folder = Directory.CreateDirectory(Path.Combine(config, "berth")).FullName;
            await File.WriteAllTextAsync(Path.Combine(folder, "contexts.json"), JsonSerializer.Serialize(contexts));
            variables["SSL_CERT_FILE"] = Path.Combine(server.Data, FakeServer.AuthoritiesFile);
        }

        var command = Processes.Start(Path.Combine(BenchServer.Published, "berth"), ["session", "forward", "bench", $"{LocalPort}:{app}", "-o", "json"], variables);
        var said = "";
        while (!said.Contains(']', StringComparison.Ordinal))
            said += await command.StandardOutput.ReadLineAsync() ?? throw new InvalidOperationException($"berth session forward ended: {said}");
        var local = JsonDocument.Parse(said).RootElement[0].GetProperty("local").GetString()!;
        return (command, IPEndPoint.Parse(local).Port);
    }
}
