using System.Diagnostics.Metrics;
using System.Globalization;
using System.Net;
using Berth.Contracts.Users;
using Berth.Core.Sessions;
using Berth.Fakes;
using Berth.Server;
using Berth.Server.Agents;
using Berth.Server.Auth;
using Berth.Server.Options;
using Berth.Server.Sessions;
using Berth.Server.Sessions.Reconcile;
using Berth.Server.Storage;
using Berth.Server.Users;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;

namespace Berth.Bench.Fake;

/// <summary>
/// The whole server on compute that costs nothing, in a process of its own (<c>berth-bench fake-server DATA PORT USERS
/// [ADDRESS]</c>), so that what is measured is the server's. It writes its users' API tokens to <c>DATA/tokens</c> and each
/// session's agent token beside its socket. With an address it listens there, with TLS, and its agents come by network. On
/// standard input <c>operations</c> asks how often it went to the database, <c>memory</c> what it holds after a collection,
/// <c>connected SESSION</c> is answered once the session's agent is, and <c>door SESSION PORT</c> asks for a port of loopback
/// behind which it dials that port of the session.
/// </summary>
public static class FakeServer
{
    public const string TokensFile = "tokens";
    public const string AgentTokenFile = "bench-token";
    public const string AuthoritiesFile = "authorities.pem";

    public static async Task<int> RunAsync(string data, int port, int users, IPAddress? address)
    {
        var operations = 0L;
        using var meters = new MeterListener
        {
            InstrumentPublished = (instrument, listener) =>
            {
                if (instrument.Name == DbMeter.Operations)
                    listener.EnableMeasurementEvents(instrument);
            },
        };
        meters.SetMeasurementEventCallback<long>((_, count, _, _) => Interlocked.Add(ref operations, count));
        meters.Start();

        var options = Options(data, port, address);
        var compute = new FakeCompute
        {
            OnStart = (order, _, _) =>
            {
                var folder = Directory.CreateDirectory(Path.Combine(options.SessionsFolder, order.Key.SessionId.ToLowerInvariant()));
                return File.WriteAllTextAsync(Path.Combine(folder.FullName, AgentTokenFile), order.AgentToken, default);
            },
        };
        foreach (var token in Directory.Exists(options.SessionsFolder) ? Directory.GetFiles(options.SessionsFolder, AgentTokenFile, SearchOption.AllDirectories) : [])
        {
            // Started by the server before this one: machines do not go with it.
            if ((await File.ReadAllTextAsync(token)).Split('.') is [var id, var generation, _])
                compute.Plant(new SessionKey(id, int.Parse(generation, CultureInfo.InvariantCulture)));
        }

        await using var app = BerthServer.Build(options, builder =>
        {
            builder.Logging.SetMinimumLevel(LogLevel.Warning);
            builder.Services.RemoveAll<ProviderInstance>();
            builder.Services.AddSingleton(new ProviderInstance(ProviderNames.Docker, compute, AgentsByNetwork: address is not null));
        });
        await BerthServer.StartAsync(app, CancellationToken.None);
        if (!File.Exists(Path.Combine(data, TokensFile)))
            await File.WriteAllLinesAsync(Path.Combine(data, TokensFile), await MakeUsersAsync(app.Services, users));
        Console.WriteLine("ready");
        while (await Console.In.ReadLineAsync() is { } asked)
        {
            Console.WriteLine(asked.Split(' ') switch
            {
                ["door", var session, var inside] => Door.Open(app.Services, session, int.Parse(inside, CultureInfo.InvariantCulture)),
                ["connected", var session] => await ConnectedAsync(app.Services.GetRequiredService<AgentHub>(), session),
                ["memory"] => Held(),
                _ => Interlocked.Read(ref operations),
            });
        }

        return 0;
    }

    private static async Task<long> ConnectedAsync(AgentHub hub, string session)
    {
        while (!hub.IsConnected(session))
            await Task.Delay(1);
        return 1;
    }

    // Resident memory without what waits to be collected: how much of that there is, is a matter of moments.
    private static long Held()
    {
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        return Environment.WorkingSet;
    }

    private static ServerOptions Options(string data, int port, IPAddress? address)
    {
        var options = new ServerOptions { DataFolder = data, AgentFolder = data, Port = port, StreamsPerSession = 1000, StreamsPerUser = 1000 };
        if (address is null)
            return options;
        // Made once: who has connected before trusts it after a restart, too.
        if (!File.Exists(Path.Combine(data, AuthoritiesFile)))
        {
            using var authority = new TestAuthority(data);
            authority.Issue(address: address);
        }

        return options with
        {
            Listen = "0.0.0.0",
            PublicUrl = new Uri($"https://{address}:{port}"),
            Certificate = Path.Combine(data, "server.pem"),
            CertificateKey = Path.Combine(data, "server.key"),
        };
    }

    private static async Task<List<string>> MakeUsersAsync(IServiceProvider services, int count)
    {
        var (store, tokens) = (services.GetRequiredService<UserStore>(), services.GetRequiredService<ApiTokens>());
        var secrets = new List<string>();
        for (var i = 0; i < count; i++)
        {
            var user = await store.CreateAsync(new UserRequest($"user-{i}"), CancellationToken.None);
            var caller = new Caller(user.Id, user.Username, false, CallerKind.LocalSocket, null);
            secrets.Add((await tokens.CreateAsync(caller, new TokenRequest("bench"), CancellationToken.None)).Secret);
        }

        return secrets;
    }
}
