using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using Berth.Contracts.Client;

namespace Berth.EndToEnd.Tests.House;

/// <summary>A browser without a screen: signed in, keeps cookies by host, follows redirects, opens WebSockets.</summary>
internal sealed class Visitor : IDisposable
{
    private readonly CookieContainer _cookies = new();
    private readonly HttpClient _http;

    public Visitor(int port, string? authorities = null) => _http = new HttpClient(new SocketsHttpHandler
    {
        CookieContainer = _cookies,
        SslOptions = authorities is null ? new() : new() { CertificateChainPolicy = Trust(authorities) },
        // Sessions' own hosts are this machine, whether or not its resolver knows that of *.localhost.
        ConnectCallback = async (_, ct) =>
        {
            var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            await socket.ConnectAsync(IPAddress.Loopback, port, ct);
            return new NetworkStream(socket, ownsSocket: true);
        },
    });

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public static async Task<Visitor> SignInAsync(RunningServer server, ApiClient? api = null)
    {
        var visitor = new Visitor(server.Port, (server as LabServer)?.Authorities);
        await visitor.OpenAsync((await (api ?? server.Api).CreateSignInLinkAsync(Ct)).Url);
        return visitor;
    }

    /// <summary>Opens a page, and follows wherever it leads.</summary>
    public async Task<HttpResponseMessage> OpenAsync(string url)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, url);
        request.Headers.Accept.ParseAdd("text/html");
        request.Headers.Add("Sec-Fetch-Mode", "navigate");
        return await _http.SendAsync(request, Ct);
    }

    /// <summary>As a script of the page does.</summary>
    public Task<HttpResponseMessage> GetAsync(string url) => _http.GetAsync(url, Ct);

    /// <inheritdoc cref="GetAsync"/>
    public async Task<JsonElement> PostAsync(string url, object body)
    {
        using var answer = await _http.PostAsJsonAsync(url, body, Ct);
        Assert.True(answer.IsSuccessStatusCode, $"{url}: {(int)answer.StatusCode} {await answer.Content.ReadAsStringAsync(Ct)}");
        return await answer.Content.ReadFromJsonAsync<JsonElement>(Ct);
    }

    public async Task<ClientWebSocket> SocketAsync(string url)
    {
        var socket = new ClientWebSocket();
        socket.Options.SetRequestHeader("Cookie", _cookies.GetCookieHeader(new Uri(url)));
        socket.Options.SetRequestHeader("Origin", new Uri(url).GetLeftPart(UriPartial.Authority));
        await socket.ConnectAsync(new Uri(url.Replace("http://", "ws://", StringComparison.Ordinal)), _http, Ct);
        return socket;
    }

    public void Dispose() => _http.Dispose();

    private static X509ChainPolicy Trust(string authorities)
    {
        var trust = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        trust.CustomTrustStore.ImportFromPemFile(authorities);
        return trust;
    }
}
