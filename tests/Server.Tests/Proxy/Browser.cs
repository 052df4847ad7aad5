using System.Net;
using System.Net.Sockets;
using System.Net.WebSockets;

namespace Berth.Server.Tests.Proxy;

/// <summary>
/// As much of a browser as the gate can tell: cookies kept by host, redirects followed, and the headers that browsers send
/// with navigations. All hosts are at one port of loopback.
/// </summary>
public sealed class Browser : IDisposable
{
    private readonly HttpMessageInvoker _client;

    public Browser(int port)
    {
        Port = port;
        _client = new HttpMessageInvoker(new SocketsHttpHandler
        {
            UseCookies = false,
            AllowAutoRedirect = false,
            AutomaticDecompression = DecompressionMethods.None,
            ConnectCallback = async (_, ct) =>
            {
                var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
                await socket.ConnectAsync(IPAddress.Loopback, port, ct);
                return new NetworkStream(socket, ownsSocket: true);
            },
        });
    }

    public int Port { get; set; }

    /// <summary>By host (without port), then by name.</summary>
    public Dictionary<string, Dictionary<string, string>> Cookies { get; } = [];

    /// <summary>Every address that redirects led to in the last <see cref="OpenAsync"/>, the first one included.</summary>
    public List<Uri> Trail { get; } = [];

    /// <summary>Opens a page and follows redirects.</summary>
    public async Task<HttpResponseMessage> OpenAsync(string url)
    {
        Trail.Clear();
        for (var next = new Uri(url); ;)
        {
            Trail.Add(next);
            var response = await NavigateAsync(next.AbsoluteUri);
            if (response.Headers.Location is not { } location || Trail.Count > 12)
                return response;
            next = new Uri(next, location);
        }
    }

    /// <summary>Opens a page and follows nothing.</summary>
    public Task<HttpResponseMessage> NavigateAsync(string url, HttpMethod? method = null)
    {
        var request = new HttpRequestMessage(method ?? HttpMethod.Get, url);
        request.Headers.Add("Accept", "text/html,application/xhtml+xml");
        request.Headers.Add("Sec-Fetch-Mode", "navigate");
        return SendAsync(request);
    }

    /// <summary>As a script of a page of the same origin would ask.</summary>
    public Task<HttpResponseMessage> FetchAsync(string url) => SendAsync(new HttpRequestMessage(HttpMethod.Get, url));

    /// <summary>Sends what it is given, with this browser's cookies, and keeps those that come back.</summary>
    public async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request)
    {
        var host = request.RequestUri!.Host;
        if (CookieHeader(host) is { Length: > 0 } cookies)
            request.Headers.Add("Cookie", cookies);
        var response = await _client.SendAsync(request, TestContext.Current.CancellationToken);
        foreach (var set in response.Headers.TryGetValues("Set-Cookie", out var values) ? values : [])
            Keep(host, set);
        return response;
    }

    /// <summary>Opens a WebSocket, as a page of the origin <paramref name="origin"/> would.</summary>
    public async Task<ClientWebSocket> SocketAsync(string url, string? origin = null, string? protocol = null)
    {
        var socket = new ClientWebSocket();
        if (CookieHeader(new Uri(url).Host) is { Length: > 0 } cookies)
            socket.Options.SetRequestHeader("Cookie", cookies);
        if (origin is not null)
            socket.Options.SetRequestHeader("Origin", origin);
        if (protocol is not null)
            socket.Options.AddSubProtocol(protocol);
        await socket.ConnectAsync(new Uri(url.Replace("http://", "ws://")), _client, default);
        return socket;
    }

    public void Dispose() => _client.Dispose();

    private string CookieHeader(string host) =>
        Cookies.TryGetValue(host, out var jar) ? string.Join("; ", jar.Select(c => $"{c.Key}={c.Value}")) : "";

    private void Keep(string host, string setCookie)
    {
        var parts = setCookie.Split(';', StringSplitOptions.TrimEntries);
        var pair = parts[0].Split('=', 2);
        var jar = Cookies.TryGetValue(host, out var found) ? found : Cookies[host] = [];
        if (parts.Any(p => p.StartsWith("expires=Thu, 01 Jan 1970", StringComparison.OrdinalIgnoreCase)))
            jar.Remove(pair[0]);
        else
            jar[pair[0]] = pair[1];
    }
}
