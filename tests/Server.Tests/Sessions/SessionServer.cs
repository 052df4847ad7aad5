using Berth.Contracts.Agents;
using Berth.Contracts.Client;
using Berth.Contracts.Sessions;
using Berth.Core.Sessions;
using Berth.Fakes;
using Berth.Providers.Nodes;
using Berth.Server.Agents;
using Berth.Server.Options;
using Berth.Server.Sessions;
using Berth.Server.Sessions.Reconcile;
using Berth.Server.Storage;
using Berth.Server.Tests.Agents;
using Berth.Tunnel;
using Berth.Tunnel.Resumable;
using Dapper;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;

namespace Berth.Server.Tests.Sessions;

/// <summary>The whole server in this process, with compute that a test plays. It can be killed and started again on its data.</summary>
public sealed class SessionServer : IAsyncDisposable
{
    private readonly ServerOptions _options;
    private readonly bool _ownsFolder;
    private NodeLimits? _limits;
    private string? _lacks;
    private WebApplication? _app;

    private SessionServer(bool ownsFolder, ServerOptions options) => (_ownsFolder, _options) = (ownsFolder, options);

    public string DataFolder => _options.DataFolder;

    /// <summary>Where it listens for everybody.</summary>
    public string Address => _app!.Urls.First(url => new Uri(url).Host == "127.0.0.1");

    public FakeCompute Compute { get; } = new();

    /// <summary>Everything that was logged.</summary>
    public LogLines Log { get; } = new();

    /// <summary>Stands at the real time until a test moves it.</summary>
    public ShiftedClock Clock { get; } = new();

    public ApiClient Client { get; private set; } = null!;

    public Db Db => _app!.Services.GetRequiredService<Db>();

    public ServerOptions Options => _options;

    /// <param name="databaseUrl">PostgreSQL instead of SQLite.</param>
    /// <param name="dataFolder">A folder of the test's own, which is emptied at the end; a new one when null.</param>
    /// <param name="pingEvery">How often silent connections say something.</param>
    /// <param name="limits">What machines may take of it.</param>
    /// <param name="authority">Signed a certificate for it: by network it is reached with TLS then.</param>
    public static async Task<SessionServer> StartAsync(
        string? databaseUrl = null, string? dataFolder = null, TimeSpan? pingEvery = null, NodeLimits? limits = null, TestAuthority? authority = null)
    {
        var folder = dataFolder ?? Directory.CreateTempSubdirectory("berth-s-").FullName;
        var server = new SessionServer(ownsFolder: dataFolder is null, new ServerOptions
        {
            DataFolder = folder,
            AgentFolder = folder,
            Port = 0,
            DatabaseUrl = databaseUrl,
            PublicUrl = new Uri("http://localhost:1"),
            PingEvery = pingEvery ?? TimeSpan.FromSeconds(15),
            Certificate = authority?.Certificate,
            CertificateKey = authority?.Key,
        })
        { _limits = limits };
        await server.BootAsync();
        await server.AddComputeAsync();
        return server;
    }

    /// <summary>Another server on the same database: PostgreSQL.</summary>
    public static async Task<SessionServer> BesideAsync(SessionServer other)
    {
        var folder = Directory.CreateTempSubdirectory("berth-s-").FullName;
        var server = new SessionServer(ownsFolder: true, other._options with { DataFolder = folder, AgentFolder = folder }) { _limits = other._limits };
        await server.BootAsync();
        return server;
    }

    public async Task BootAsync()
    {
        _app = BerthServer.Build(_options, builder =>
        {
            builder.Services.RemoveAll<ProviderInstance>();
            builder.Services.AddSingleton(new ProviderInstance(ProviderNames.Docker, Compute));
            builder.Services.AddSingleton<TimeProvider>(Clock);
            if (_limits is not null)
                builder.Services.AddSingleton(_limits);
            if (_lacks is not null)
                builder.Services.AddSingleton<IStartupFilter>(new LackedPath(_lacks));
            builder.Logging.AddProvider(Log);
        });
        await BerthServer.StartAsync(_app, CancellationToken.None);
        Client = ApiClient.ForLocalSocket(_options.LocalSocket);
    }

    /// <summary>Ends this server and starts another on the same data.</summary>
    /// <param name="lacks">End of a path that the other one, which is older, knows nothing of.</param>
    public async Task RestartAsync(string? lacks = null)
    {
        await StopAsync();
        _lacks = lacks;
        await BootAsync();
    }

    /// <summary>Ends this server; its data stay.</summary>
    public async Task StopAsync()
    {
        Client.Dispose();
        await _app!.StopAsync();
        await _app.DisposeAsync();
    }

    public Task<(SessionView Session, bool Created)> StartSessionAsync(StartRequest? request = null) =>
        Client.StartSessionAsync(request ?? new StartRequest(Image: "busybox"), TestContext.Current.CancellationToken);

    /// <summary>A part of the server.</summary>
    public T Service<T>()
        where T : notnull => _app!.Services.GetRequiredService<T>();

    /// <summary>Name of who runs the server.</summary>
    public async Task<string> OwnerNameAsync() => (await Client.WhoAmIAsync(TestContext.Current.CancellationToken)).Username;

    /// <summary>One number out of the database.</summary>
    public async Task<long> CountAsync(string sql)
    {
        await using var connection = await Db.OpenAsync(TestContext.Current.CancellationToken);
        return await connection.ExecuteScalarAsync<long>(sql);
    }

    /// <summary>Has the reconciler look at a session, as its timer would if the clock had run and not jumped.</summary>
    public void Wake(string session) => _app!.Services.GetRequiredService<Nudges>().Nudge(ProviderNames.Docker, session);

    public async Task<SessionView> UntilAsync(string session, string status)
    {
        SessionView? view = null;
        await Eventually.TrueAsync(
            async () => (view = await Client.GetSessionAsync(session, CancellationToken.None)).Berth.Status == status,
            $"session {session} is {status}, it is {view?.Berth.Status} ({view?.Berth.Sentence})");
        return view!;
    }

    /// <summary>An agent of a start that says it is ready, and stays connected.</summary>
    public async Task<SimulatedAgent> ReadyAgentAsync(SessionView session, ResumableHost? services = null)
    {
        var agent = await ConnectAgentAsync(session, services);
        await agent.SayAsync(new AgentReport("ready", null, true, null, []), CancellationToken.None);
        return agent;
    }

    /// <summary>An agent of a start that has said nothing yet.</summary>
    public async Task<SimulatedAgent> ConnectAgentAsync(SessionView session, ResumableHost? services = null)
    {
        var key = new SessionKey(session.Id, session.Berth.Generation);
        var socket = Path.Combine(_app!.Services.GetRequiredService<AgentSockets>().Folder(session.Id), "agent.sock");
        var token = _app.Services.GetRequiredService<AgentTokens>().Issue(key);
        return await SimulatedAgent.ConnectAsync(new ServerDialer($"unix:{socket}", token), key, CancellationToken.None, host: services);
    }

    /// <summary>Starts a session and brings it to Running.</summary>
    public async Task<(SessionView Session, SimulatedAgent Agent)> RunningAsync(StartRequest? request = null, ResumableHost? services = null)
    {
        var (session, _) = await StartSessionAsync(request);
        await Eventually.TrueAsync(() => Compute.Keys.Any(k => k.SessionId == session.Id), "the compute has it");
        var agent = await ReadyAgentAsync(session, services);
        return (await UntilAsync(session.Id, "running"), agent);
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        var folder = new DirectoryInfo(_options.DataFolder);
        foreach (var file in folder.GetFiles())
            file.Delete();
        foreach (var part in folder.GetDirectories())
            part.Delete(recursive: true);
        if (_ownsFolder)
            folder.Delete();
    }

    /// <summary>A large class, whatever machine the tests run on.</summary>
    private Task AddComputeAsync() => Db.WriteAsync(
        async connection =>
        {
            await connection.ExecuteAsync("UPDATE resource_pools SET is_default = @no", new { no = false });
            await connection.ExecuteAsync(
                """
                INSERT INTO resource_pools (id, name, is_default, is_public, idle_cpu_threshold, reach) VALUES (900, 'Tests', @yes, @yes, 0.1, 'agent')
                """,
                new { yes = true });
            foreach (var (id, cpu, standard) in new[] { (901, 1, true), (902, 8, false) })
            {
                await connection.ExecuteAsync(
                    """
                    INSERT INTO resource_classes (id, pool_id, name, cpu, memory, gpu, max_storage, default_storage, is_default, tolerations, node_affinities)
                    VALUES (@id, 900, @name, @cpu, @memory, 0, 50, 5, @standard, '[]', '[]')
                    """,
                    new { id, name = $"class-{cpu}", cpu = (double)cpu, memory = cpu * 2, standard });
            }
        },
        CancellationToken.None);
}

/// <summary>Has what a path ends in be a path that no server knows.</summary>
internal sealed class LackedPath(string end) : IStartupFilter
{
    public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next) => app =>
    {
        app.Use((context, go) =>
        {
            if (context.Request.Path.Value!.EndsWith(end, StringComparison.Ordinal))
                context.Request.Path += "-of-later";
            return go(context);
        });
        next(app);
    };
}

/// <summary>Real time, moved on by as much as a test says.</summary>
public sealed class ShiftedClock : TimeProvider
{
    private long _shift;

    public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + TimeSpan.FromTicks(Interlocked.Read(ref _shift));

    public void Move(TimeSpan by) => Interlocked.Add(ref _shift, by.Ticks);
}
