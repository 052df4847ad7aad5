using System.Net;
using Berth.Core.Faults;
using Berth.Server.Agents;
using Berth.Server.Auth;
using Berth.Server.Connections;
using Berth.Server.Environments;
using Berth.Server.Health;
using Berth.Server.Images;
using Berth.Server.Launchers;
using Berth.Server.Live;
using Berth.Server.Nodes;
using Berth.Server.OpenApi;
using Berth.Server.Options;
using Berth.Server.Pools;
using Berth.Server.Problems;
using Berth.Server.Projects;
using Berth.Server.Providers;
using Berth.Server.Proxy;
using Berth.Server.Queues;
using Berth.Server.Sessions;
using Berth.Server.Storage;
using Berth.Server.Users;
using Berth.Server.Web;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Berth.Server;

/// <summary>Puts the server together: what it is made of, the order in which a request passes through it, its routes.</summary>
public static class BerthServer
{
    private const UnixFileMode OnlyOurs = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    /// <summary>Runs until it is told to stop. Returns the exit code; what is wrong is said on standard error.</summary>
    public static async Task<int> RunAsync(string[] args)
    {
        try
        {
            var variables = Environment.GetEnvironmentVariables().Cast<System.Collections.DictionaryEntry>()
                .ToDictionary(v => (string)v.Key, v => (string?)v.Value, StringComparer.Ordinal);
            if (args is ["restore", var backup, .. var rest])
            {
                Console.WriteLine(await Restore.RunAsync(OptionsReader.Read(rest, variables), backup, TimeProvider.System));
                return 0;
            }

            var options = OptionsReader.Read(args, variables);
            if (FaultPoints.Armed)
                await Console.Error.WriteLineAsync($"{FaultPoints.Variable} is set: this server is under test, and may kill itself at any step.");
            using var folder = await DataFolderLock.TakeAsync(options, TimeProvider.System);
            await using var app = Build(options);
            await StartAsync(app, CancellationToken.None);
            await GreetAsync(app);
            await app.WaitForShutdownAsync();
            return 0;
        }
        catch (StartupException e)
        {
            await Console.Error.WriteLineAsync(e.Message);
            return 1;
        }
    }

    /// <summary>Says on a terminal where the server is and how to get in. A log gets no sign-in link.</summary>
    private static async Task GreetAsync(WebApplication app)
    {
        if (Console.IsOutputRedirected)
            return;
        var owner = await app.Services.GetRequiredService<LocalOwner>().UserIdAsync(CancellationToken.None);
        var link = await app.Services.GetRequiredService<SignInLinks>().CreateAsync(owner, CancellationToken.None);
        Console.WriteLine($"Berth runs at {app.Services.GetRequiredService<PublicAddress>().Origin}. Sign in, once, within ten minutes:\n  {link.Url}");
    }

    /// <summary>The whole server, not started yet.</summary>
    /// <param name="options">What is configured.</param>
    /// <param name="adjust">For tests: replaces parts before it is built.</param>
    public static WebApplication Build(ServerOptions options, Action<WebApplicationBuilder>? adjust = null)
    {
        ArgumentNullException.ThrowIfNull(options);
        var builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions { ContentRootPath = AppContext.BaseDirectory });
        Configure(builder, options);
        AddRooms(builder.Services, options);
        adjust?.Invoke(builder);

        var app = builder.Build();
        UsePipeline(app, options);
        MapRooms(app);
        return app;
    }

    /// <summary>Brings the database to its schema, makes what a first start needs, then listens.</summary>
    /// <exception cref="StartupException">It cannot start.</exception>
    public static async Task StartAsync(WebApplication app, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(app);
        var options = app.Services.GetRequiredService<ServerOptions>();
        foreach (var folder in new[] { options.DataFolder, options.KeysFolder })
        {
            Directory.CreateDirectory(folder, OnlyOurs);
            // One that was there before may be open to the machine's other users.
            if (File.GetUnixFileMode(folder) != OnlyOurs)
                Close(folder);
        }

        await app.Services.GetRequiredService<Migrator>().RunAsync(first => MakeFirstThingsAsync(app.Services, first), ct);
        // Before anything can be heard that it has to hear.
        app.Services.GetRequiredService<Revocations>();
        await app.Services.GetRequiredService<LiveSignIns>().LoadAsync(ct);

        // A server that was killed leaves its socket; whoever holds the data folder's lock may remove it.
        File.Delete(options.LocalSocket);
        try
        {
            await app.StartAsync(ct);
        }
        catch (IOException e) when (e.InnerException is AddressInUseException)
        {
            throw new StartupException(
                $"Port {options.Port} is taken by another program{PortHolder.Describe(options.Port)}: stop it, or choose another port with --port.", e);
        }

        File.SetUnixFileMode(options.LocalSocket, UnixFileMode.UserRead | UnixFileMode.UserWrite);
    }

    private static void Close(string folder)
    {
        try
        {
            File.SetUnixFileMode(folder, OnlyOurs);
        }
        catch (UnauthorizedAccessException e)
        {
            throw new StartupException($"{folder} is another user's, who can read what is in it: give it to the server's user, or choose another data folder.", e);
        }
    }

    private static async Task MakeFirstThingsAsync(IServiceProvider services, CancellationToken ct)
    {
        await services.GetRequiredService<LocalOwner>().EnsureAsync(ct);
        await services.GetRequiredService<Installation>().LoadAsync(ct);
        await services.GetRequiredService<ShippedEnvironment>().EnsureAsync(ct);
        await services.GetRequiredService<DefaultPool>().EnsureAsync(ct);
    }

    private static void Configure(WebApplicationBuilder builder, ServerOptions options)
    {
        builder.Logging.SetMinimumLevel(LogLevel.Information)
            .AddFilter("Microsoft", LogLevel.Warning)
            // The keys lie in a folder of mode 700, as the database does; where that is not enough, the disk is encrypted.
            .AddFilter("Microsoft.AspNetCore.DataProtection", LogLevel.Error)
            // A failed start is said once, by whoever started it.
            .AddFilter("Microsoft.Extensions.Hosting.Internal.Host", LogLevel.None)
            .AddSimpleConsole(o =>
            {
                o.SingleLine = true;
                o.UseUtcTimestamp = true;
                o.TimestampFormat = "yyyy-MM-ddTHH:mm:ssZ ";
            });
        builder.Services.AddSingleton<IMemoryPoolFactory<byte>, ConnectionBuffers>();
        builder.WebHost.UseKestrelHttpsConfiguration();
        // What a connection brings is handled where it was received, not handed to another thread first: most of it is moved on.
        builder.WebHost.UseSockets(sockets => sockets.UnsafePreferInlineScheduling = true);
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            Listen(kestrel, options);
            kestrel.ListenUnixSocket(options.LocalSocket, listen => listen.Use(LocalPeer.Require));
        });
        builder.Services.ConfigureHttpJsonOptions(o => JsonOfApi.Apply(o.SerializerOptions));
        builder.Services.Configure<RouteHandlerOptions>(o => o.ThrowOnBadRequest = true);
        builder.Services.Configure<HostOptions>(o => o.ShutdownTimeout = TimeSpan.FromSeconds(10));
    }

    private static void Listen(KestrelServerOptions kestrel, ServerOptions options)
    {
        var certificate = options.Certificate is { } file ? new ServerCertificate(file, options.CertificateKey ?? file) : null;
        if (options.Listen != "localhost")
            kestrel.Listen(IPAddress.Parse(options.Listen), options.Port, Secure);
        else if (options.Port != 0)
            kestrel.ListenLocalhost(options.Port, Secure);
        else // A free port cannot be asked for on both loopback addresses at once.
            kestrel.Listen(IPAddress.Loopback, 0, Secure);

        void Secure(ListenOptions listen) => certificate?.Use(listen);
    }

    private static void AddRooms(IServiceCollection services, ServerOptions options)
    {
        services.AddSingleton(options);
        services.AddSingleton(TimeProvider.System);
        services.AddSingleton<PublicAddress>();
        services.AddSingleton(new ChangeFeed(options.StreamsPerUser));
        services.AddSingleton<SessionDirectory>();
        services.AddStorage();
        services.AddAuth(options);
        services.AddHealth();
        services.AddDescription();
        services.AddUsers();
        services.AddProjects();
        services.AddEnvironments();
        services.AddLaunchers();
        services.AddPools();
        services.AddProviders();
        services.AddImages();
        services.AddAgents();
        services.AddNodes();
        services.AddQueues();
        services.AddSessions();
        services.AddSessionConnections();
        services.AddPages();
        services.AddSessionProxy().AddSingleton(NeighboursOf.Server);
    }

    private static void UsePipeline(WebApplication app, ServerOptions options)
    {
        if (options.PublicUrl is not null)
            app.UseForwardedHeaders(BehindProxy.Options);
        app.UseMiddleware<ProblemHandler>();
        // Sessions' own hosts leave here.
        app.UseMiddleware<HostAllowList>();
        app.UseMiddleware<SecurityHeaders>();
        app.UseDescriptionPage();
        app.UseRouting();
        app.UseMiddleware<Authentication>();
        app.UseRateLimiter();
        app.UseWebSockets();
        app.UseMiddleware<AccessControl>();
    }

    private static void MapRooms(WebApplication app)
    {
        app.MapHealth();
        app.MapBackup();
        app.MapDescription();
        app.MapAuth();
        app.MapUsers();
        app.MapProjects();
        app.MapEnvironments();
        app.MapLaunchers();
        app.MapPools();
        app.MapImages();
        app.MapAgents();
        app.MapNodes();
        app.MapQueues();
        app.MapSessions();
        app.MapConnections();
        app.MapSessionProxy();
        app.MapPages();
    }
}
