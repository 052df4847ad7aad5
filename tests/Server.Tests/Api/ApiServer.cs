using System.Net.Http.Headers;
using System.Net.Sockets;
using Berth.Server.Options;
using Berth.Server.Storage;
using Berth.Server.Tests.Storage;
using Dapper;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;

namespace Berth.Server.Tests.Api;

/// <summary>The whole server in this process, on a free port and its local socket, with a data folder of its own.</summary>
public class ApiServer : IAsyncLifetime
{
    private readonly string _folder = Directory.CreateTempSubdirectory("berth-a-").FullName;
    private readonly List<HttpClient> _clients = [];
    private WebApplication? _app;

    /// <summary>Null: SQLite.</summary>
    protected virtual ValueTask<string?> DatabaseUrlAsync() => ValueTask.FromResult<string?>(null);

    /// <summary>Other options than a server has by itself.</summary>
    protected virtual ServerOptions Configure(ServerOptions options) => options;

    /// <summary>Replaces parts of the server.</summary>
    protected virtual void Adjust(WebApplicationBuilder builder)
    {
    }

    public ServerOptions Options { get; private set; } = null!;

    public IServiceProvider Services => _app!.Services;

    public Db Db => Services.GetRequiredService<Db>();

    public Uri Address { get; private set; } = null!;

    /// <summary>Who runs the server, through the local socket.</summary>
    public Api Owner { get; private set; } = null!;

    /// <summary>Somebody without any proof of who they are.</summary>
    public Api Anonymous { get; private set; } = null!;

    public virtual async ValueTask InitializeAsync()
    {
        Options = Configure(new ServerOptions { DataFolder = _folder, AgentFolder = Path.Combine(_folder, "agent"), Port = 0, DatabaseUrl = await DatabaseUrlAsync(), DockerHost = "unix:///nowhere.sock" });
        _app = BerthServer.Build(Options, Adjust);
        await BerthServer.StartAsync(_app, CancellationToken.None);
        Address = new Uri(Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses
            .First(a => a.StartsWith("http://127.0.0.1", StringComparison.Ordinal)));
        Owner = new Api(Keep(new HttpClient(Local()) { BaseAddress = new Uri("http://localhost/") }));
        Anonymous = new Api(Browser());
    }

    /// <summary>A new user, known by an API token.</summary>
    public async Task<(Api Api, string Id)> AddUserAsync(string name, bool admin = false)
    {
        var user = (await Owner.PostAsync("/api/data/users", new { username = name, is_admin = admin })).Created();
        var id = user.Text("id");
        // The one way to a user's first token is a link that signs a browser in: the owner makes it in the user's name.
        var link = await Services.GetRequiredService<Berth.Server.Auth.SignInLinks>().CreateAsync(id, CancellationToken.None);
        var browser = new Api(Browser());
        (await browser.GetAsync(new Uri(link.Url).PathAndQuery)).Is(303);
        var token = (await browser.PostAsync("/api/berth/tokens", new { name = "test" }, ("Sec-Fetch-Site", "same-origin"))).Created().Text("secret");
        var client = Keep(new HttpClient { BaseAddress = Address });
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
        return (new Api(client), id);
    }

    /// <summary>Id of a user's last sign-in of a browser.</summary>
    public async Task<string> SignInIdAsync(string userId)
    {
        await using var connection = await Db.OpenAsync(CancellationToken.None);
        return (await connection.ExecuteScalarAsync<string>("SELECT max(id) FROM sign_ins WHERE user_id = @userId", new { userId }))!;
    }

    /// <summary>Keeps cookies, follows nothing.</summary>
    public HttpClient Browser() => Keep(new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = true }) { BaseAddress = Address });

    public virtual async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        _clients.ForEach(c => c.Dispose());
        if (_app is not null)
        {
            await _app.StopAsync();
            await _app.DisposeAsync();
        }

        Directory.Delete(_folder, recursive: true);
    }

    private HttpClient Keep(HttpClient client)
    {
        _clients.Add(client);
        return client;
    }

    private SocketsHttpHandler Local() => new()
    {
        ConnectCallback = async (_, ct) =>
        {
            var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(Options.LocalSocket), ct);
            return new NetworkStream(socket, ownsSocket: true);
        },
    };
}

/// <summary>The same server on PostgreSQL.</summary>
public sealed class PostgresApiServer(PostgresFixture postgres) : ApiServer
{
    protected override async ValueTask<string?> DatabaseUrlAsync() => await postgres.CreateDatabaseAsync();
}
