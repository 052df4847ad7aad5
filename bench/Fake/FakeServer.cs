using System.Diagnostics.Metrics;
using Berth.Contracts.Users;
using Berth.Fakes;
using Berth.Server;
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
/// The whole server on compute that costs nothing, in a process of its own (<c>berth-bench fake-server DATA PORT USERS</c>),
/// so that what is measured is the server's. It writes its users' API tokens to <c>DATA/tokens</c>, each session's agent
/// token beside its socket, and answers each line on standard input with how often it went to the database.
/// </summary>
public static class FakeServer
{
    public const string TokensFile = "tokens";
    public const string AgentTokenFile = "bench-token";

    public static async Task<int> RunAsync(string data, int port, int users)
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

        var options = new ServerOptions { DataFolder = data, AgentFolder = data, Port = port };
        var compute = new FakeCompute
        {
            OnStart = (order, _, _) => File.WriteAllTextAsync(
                Path.Combine(options.SessionsFolder, order.Key.SessionId.ToLowerInvariant(), AgentTokenFile), order.AgentToken, default),
        };
        await using var app = BerthServer.Build(options, builder =>
        {
            builder.Logging.SetMinimumLevel(LogLevel.Warning);
            builder.Services.RemoveAll<ProviderInstance>();
            builder.Services.AddSingleton(new ProviderInstance(ProviderNames.Docker, compute));
        });
        await BerthServer.StartAsync(app, CancellationToken.None);
        await File.WriteAllLinesAsync(Path.Combine(data, TokensFile), await MakeUsersAsync(app.Services, users));
        Console.WriteLine("ready");
        while (await Console.In.ReadLineAsync() is not null)
            Console.WriteLine(Interlocked.Read(ref operations));
        return 0;
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
