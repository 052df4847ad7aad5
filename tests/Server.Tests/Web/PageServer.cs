using System.Net;
using System.Text.RegularExpressions;
using Berth.Fakes;
using Berth.Server.Auth;
using Berth.Server.Options;
using Berth.Server.Sessions;
using Berth.Server.Sessions.Reconcile;
using Berth.Server.Storage;
using Berth.Server.Tests.Sessions;
using Berth.Server.Users;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Berth.Server.Tests.Web;

/// <summary>A whole server on a free port, with compute that needs no engine, and browsers to look at it.</summary>
public sealed partial class PageServer : IAsyncLifetime
{
    private readonly string _folder = Directory.CreateTempSubdirectory("berth-pages-").FullName;
    private WebApplication? _app;

    public FakeCompute Compute { get; } = new();

    public ShiftedClock Clock { get; } = new();

    public IServiceProvider Services => _app!.Services;

    public async ValueTask InitializeAsync()
    {
        var options = new ServerOptions { DataFolder = _folder, AgentFolder = Path.Combine(_folder, "agent"), Port = 0 };
        _app = BerthServer.Build(options, builder =>
        {
            builder.Services.RemoveAll<ProviderInstance>();
            builder.Services.AddSingleton(new ProviderInstance(ProviderNames.Docker, Compute));
            builder.Services.AddSingleton<TimeProvider>(Clock);
        });
        await BerthServer.StartAsync(_app, TestContext.Current.CancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        if (_app is not null)
            await _app.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    /// <summary>A browser that nobody has signed in.</summary>
    public Browser Open() => new(Services.GetRequiredService<PublicAddress>().Url);

    /// <summary>A browser of the one who runs the server, an admin.</summary>
    public async Task<Browser> SignInAsync() =>
        await SignInAsync(await Services.GetRequiredService<LocalOwner>().UserIdAsync(TestContext.Current.CancellationToken));

    /// <summary>A browser of a new user who is no admin.</summary>
    public async Task<Browser> SignInNewAsync(string username)
    {
        var db = Services.GetRequiredService<Db>();
        var id = "";
        await db.WriteAsync(
            async connection => { id = await NewUser.InsertAsync(connection, new NewUser(username), TimeProvider.System); },
            TestContext.Current.CancellationToken);
        return await SignInAsync(id);
    }

    private async Task<Browser> SignInAsync(string userId)
    {
        var link = await Services.GetRequiredService<SignInLinks>().CreateAsync(userId, TestContext.Current.CancellationToken);
        var browser = Open();
        Assert.Equal(HttpStatusCode.SeeOther, (await browser.GetAsync(new Uri(link.Url).PathAndQuery)).Status);
        return browser;
    }

    /// <summary>What a page was.</summary>
    public sealed record Page(HttpStatusCode Status, string Text, string? Location, HttpResponseMessage Answer)
    {
        public string Title => WebUtility.HtmlDecode(TitleElement().Match(Text).Groups[1].Value);
    }

    /// <summary>Asks for pages as a browser does, and posts what their forms would.</summary>
    public sealed class Browser : IDisposable
    {
        private readonly HttpClient _client;
        private string? _token;

        public Browser(Uri server)
        {
            _client = new HttpClient(new SocketsHttpHandler { CookieContainer = new CookieContainer(), AllowAutoRedirect = false }) { BaseAddress = server };
            _client.DefaultRequestHeaders.Add("Accept", "text/html");
            _client.DefaultRequestHeaders.Add("Sec-Fetch-Site", "same-origin");
        }

        /// <summary>Remembers the last page's antiforgery token, as its forms hold it.</summary>
        public async Task<Page> GetAsync(string path, bool byHtmx = false)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, path);
            if (byHtmx)
                request.Headers.Add("HX-Request", "true");
            var page = await SendAsync(request);
            if (TokenField().Match(page.Text) is { Success: true } token)
                _token = token.Groups[1].Value;
            return page;
        }

        public Task<Page> PostAsync(string path, params (string Name, string Value)[] fields) => PostAsync(path, byHtmx: false, fields);

        public async Task<Page> PostAsync(string path, bool byHtmx, params (string Name, string Value)[] fields)
        {
            if (_token is null)
                await GetAsync("/tokens");
            return await PostAsItIsAsync(path, byHtmx, [.. fields, ("__RequestVerificationToken", _token!)]);
        }

        /// <summary>Without the token that a page's form has.</summary>
        public async Task<Page> PostAsItIsAsync(string path, bool byHtmx, params (string Name, string Value)[] fields)
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, path)
            {
                Content = new FormUrlEncodedContent(fields.Select(f => KeyValuePair.Create(f.Name, f.Value))),
            };
            if (byHtmx)
                request.Headers.Add("HX-Request", "true");
            return await SendAsync(request);
        }

        public void Dispose() => _client.Dispose();

        private async Task<Page> SendAsync(HttpRequestMessage request)
        {
            var answer = await _client.SendAsync(request, TestContext.Current.CancellationToken);
            var text = await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
            return new Page(answer.StatusCode, text, answer.Headers.Location?.OriginalString, answer);
        }
    }

    [GeneratedRegex("name=\"__RequestVerificationToken\" value=\"([^\"]+)\"")]
    private static partial Regex TokenField();

    [GeneratedRegex("<title>([^<]*)</title>")]
    private static partial Regex TitleElement();
}
