using Berth.Core.Sessions;
using Berth.Server.Agents;
using Berth.Server.Live;
using Berth.Server.Options;
using Berth.Server.Sessions;
using Berth.Tunnel;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Berth.Server.Tests.Agents;

/// <summary>The agents' room of the server by itself, on real sockets in a data folder of its own.</summary>
public sealed class AgentServer : IAsyncDisposable
{
    /// <summary>Of each session.</summary>
    public const string Owner = "user";

    private readonly bool _ownsFolder;
    private readonly WebApplication _app;

    private AgentServer(string? dataFolder, TimeProvider time)
    {
        _ownsFolder = dataFolder is null;
        DataFolder = dataFolder ?? Directory.CreateTempSubdirectory("berth-").FullName;
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.ListenUnixSocket(PublicSocket));
        builder.Services.AddSingleton(new ServerOptions { DataFolder = DataFolder, AgentFolder = "/none" });
        builder.Services.AddSingleton(time);
        builder.Services.AddSingleton<SessionDirectory>().AddSingleton<ChangeFeed>();
        builder.Services.AddAgents();
        _app = builder.Build();
        _app.MapGet("/public", () => "public");
    }

    public string DataFolder { get; }
    public string PublicSocket => Path.Combine(DataFolder, "public.sock");
    public AgentHub Hub => _app.Services.GetRequiredService<AgentHub>();
    public AgentSockets Sockets => _app.Services.GetRequiredService<AgentSockets>();
    public AgentTokens Tokens => _app.Services.GetRequiredService<AgentTokens>();
    public ChangeFeed Changes => _app.Services.GetRequiredService<ChangeFeed>();
    public SessionLogs Logs => _app.Services.GetRequiredService<SessionLogs>();
    public SessionDirectory Known => _app.Services.GetRequiredService<SessionDirectory>();

    /// <param name="dataFolder">Of an earlier one; null: a new one.</param>
    /// <param name="time">Its clock; null: the system's.</param>
    public static async Task<AgentServer> StartAsync(string? dataFolder = null, TimeProvider? time = null)
    {
        var server = new AgentServer(dataFolder, time ?? TimeProvider.System);
        await server._app.StartAsync();
        return server;
    }

    /// <summary>Lets a session be known and its socket be open.</summary>
    public SessionKey Expect(string sessionId, int generation = 1)
    {
        Known.Set(new SessionRoute(sessionId, "test", Owner, generation, SessionStatus.Running, 8888, "/", Reach.Agent, null, ProviderNames.Docker));
        Sockets.Open(sessionId);
        return new SessionKey(sessionId, generation);
    }

    public string SocketOf(string sessionId) => Path.Combine(Sockets.Folder(sessionId), "agent.sock");

    public ServerDialer Dialer(SessionKey key, string? token = null) => new($"unix:{SocketOf(key.SessionId)}", token ?? Tokens.Issue(key));

    public async Task StopAsync() => await _app.StopAsync();

    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync();
        if (_ownsFolder)
            Directory.Delete(DataFolder, recursive: true);
    }
}
