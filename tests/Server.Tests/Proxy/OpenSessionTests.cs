using Berth.Server.Sessions;

namespace Berth.Server.Tests.Proxy;

/// <summary>A way to reach a session: every test of what passes is run for each.</summary>
public interface IWay : IAsyncDisposable
{
    /// <summary>Starts a server that knows the way.</summary>
    Task<ProxyServer> StartServerAsync(string folder);

    /// <summary>A running session whose front end is the app.</summary>
    Task<SessionRoute> AddSessionAsync(ProxyServer server, App app);
}

/// <summary>An app, a server before it, and a browser that has opened it.</summary>
public abstract class OpenSessionTests(IWay way) : IAsyncLifetime
{
    private readonly string _folder = Directory.CreateTempSubdirectory("berth-proxy-").FullName;

    protected App App { get; private set; } = null!;

    protected ProxyServer Server { get; private set; } = null!;

    protected SessionRoute Session { get; private set; } = null!;

    protected Browser Browser { get; private set; } = null!;

    protected string Origin => Server.OriginOf(Session);

    protected static CancellationToken Ct => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        App = await App.StartAsync();
        Server = await way.StartServerAsync(_folder);
        Session = await way.AddSessionAsync(Server, App);
        Browser = await Server.EnterAsync(Session);
    }

    public async ValueTask DisposeAsync()
    {
        Browser.Dispose();
        await way.DisposeAsync();
        await Server.DisposeAsync();
        await App.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
        GC.SuppressFinalize(this);
    }
}
