using Berth.Contracts.Nodes;
using Berth.Fakes;
using Berth.Server;
using Berth.Server.Auth;
using Berth.Server.Nodes;
using Berth.Server.Options;
using Berth.Server.Sessions.Reconcile;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Berth.Providers.Tests.Nodes;

/// <summary>A whole server that starts nothing by itself: its loops are left out, so that a test has its nodes alone.</summary>
internal sealed class QuietServer : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly string _scheme;

    private QuietServer(WebApplication app, string scheme) => (_app, _scheme) = (app, scheme);

    /// <summary>Where machines find it.</summary>
    public string Address => _app.Urls.First(url => new Uri(url) is { Host: "127.0.0.1" or "localhost" } found && found.Scheme == _scheme);

    private static CancellationToken Ct => CancellationToken.None;

    /// <param name="data">Its folder.</param>
    /// <param name="authority">Signed a certificate for it: it is reached with TLS then.</param>
    public static async Task<QuietServer> StartAsync(string data, TestAuthority? authority = null)
    {
        var options = new ServerOptions { DataFolder = data, AgentFolder = "/none", Port = 0, Certificate = authority?.Certificate, CertificateKey = authority?.Key };
        var app = BerthServer.Build(options, builder => builder.Services.RemoveAll<ProviderInstance>().Remove(builder.Services.Single(s => s.ImplementationType == typeof(Reconciler))));
        await BerthServer.StartAsync(app, Ct);
        return new QuietServer(app, authority is null ? "http" : "https");
    }

    /// <summary>A part of it.</summary>
    public T Service<T>()
        where T : notnull => _app.Services.GetRequiredService<T>();

    /// <summary>With which a machine may join it, to serve everybody.</summary>
    public async Task<string> JoinTokenAsync()
    {
        var owner = await Service<LocalOwner>().UserIdAsync(Ct);
        return (await Service<NodeJoins>().CreateAsync(new Caller(owner, "owner", true, CallerKind.Browser, null), new NodeTokenRequest(), Ct)).Token;
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();
}
