using System.Net;
using System.Net.Http.Headers;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Berth.Contracts.Health;
using Berth.Contracts.Json;
using Berth.Contracts.Users;

namespace Berth.Contracts.Client;

/// <summary>
/// The server's API, typed. A refusal is an <see cref="ApiException"/>, no answer a <see cref="ServerUnreachableException"/>.
/// Fields that a newer server sends are ignored. The parts are in the files beside this one.
/// </summary>
public sealed partial class ApiClient : IDisposable
{
    /// <summary>How long an ordinary request may take; streams (logs, events) have no limit.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private static readonly BerthJson Json = new(new JsonSerializerOptions(BerthJson.Default.Options)
    {
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Skip,
    });

    private readonly HttpClient _http;
    // What the header Date tells is whole seconds old, and was on its way.
    private static readonly TimeSpan s_agree = TimeSpan.FromSeconds(5);

    private readonly TimeProvider _time;

    /// <summary>A client over an <see cref="HttpClient"/> whose base address is the server's; it is disposed with the client.</summary>
    public ApiClient(HttpClient http, TimeProvider? time = null)
    {
        _http = http;
        _http.Timeout = Timeout.InfiniteTimeSpan;
        _time = time ?? TimeProvider.System;
    }

    /// <summary>The local server: whoever may open its socket is who runs it.</summary>
    public static ApiClient ForLocalSocket(string path, TimeProvider? time = null)
    {
        var endPoint = new UnixDomainSocketEndPoint(path);
        var handler = new SocketsHttpHandler
        {
            UseProxy = false,
            ConnectCallback = async (_, ct) =>
            {
                var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                try
                {
                    await socket.ConnectAsync(endPoint, ct);
                    return new NetworkStream(socket, ownsSocket: true);
                }
                catch
                {
                    socket.Dispose();
                    throw;
                }
            },
        };
        return new ApiClient(new HttpClient(handler) { BaseAddress = new Uri("http://localhost/") }, time);
    }

    /// <summary>A server at an address, with an API token; through a proxy where <c>HTTPS_PROXY</c> says so.</summary>
    /// <param name="address">Of the server.</param>
    /// <param name="token">Of who asks.</param>
    /// <param name="time">The clock; null: the system's.</param>
    /// <param name="authorities">Certificates, in PEM form, of the authorities to trust, and no others; null: the system's.</param>
    public static ApiClient ForServer(Uri address, string token, TimeProvider? time = null, string? authorities = null)
    {
        // A redirect is not followed: the token goes to the server that it was given for, and to no other.
        var handler = new SocketsHttpHandler { AllowAutoRedirect = false, ConnectTimeout = TimeSpan.FromSeconds(15) };
        if (authorities is not null)
        {
            var trust = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
            trust.CustomTrustStore.ImportFromPem(authorities);
            handler.SslOptions = new SslClientAuthenticationOptions { CertificateChainPolicy = trust };
        }
        var http = new HttpClient(handler) { BaseAddress = new Uri(address.AbsoluteUri.TrimEnd('/') + "/") };
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
        return new ApiClient(http, time);
    }

    /// <summary>How much the server's clock is ahead of this machine's, by its last answer; zero where they agree but for seconds.</summary>
    public TimeSpan ServerAhead { get; private set; }

    /// <summary>Who is signed in.</summary>
    public Task<UserView> WhoAmIAsync(CancellationToken ct) => GetAsync("api/data/user", Json.UserView, ct);

    /// <summary>Version of the server; needs no sign-in.</summary>
    public Task<VersionView> VersionAsync(CancellationToken ct) => GetAsync("api/berth/version", Json.VersionView, ct);

    /// <summary>How the server's parts are; a server that is down answers too.</summary>
    public async Task<HealthView> HealthAsync(CancellationToken ct)
    {
        using var answer = await SendAsync(new HttpRequestMessage(HttpMethod.Get, "api/berth/health"), ct,
            also: HttpStatusCode.ServiceUnavailable);
        return await ReadAsync(answer, Json.HealthView, ct);
    }

    /// <summary>The server's database as one file, for who runs it.</summary>
    public async Task<Stream> BackupAsync(CancellationToken ct)
    {
        var answer = await SendAsync(new HttpRequestMessage(HttpMethod.Get, "api/berth/backup"), ct, stream: true);
        return await answer.Content.ReadAsStreamAsync(ct);
    }

    /// <summary>Any GET as it is sent; for what has no type of its own.</summary>
    public Task<JsonElement> GetJsonAsync(string path, CancellationToken ct) => GetAsync(path, Json.JsonElement, ct);

    /// <summary>Creates or changes something by the fields given.</summary>
    public async Task<JsonElement> SendJsonAsync(
        HttpMethod method, string path, JsonNode body, CancellationToken ct, string? ifMatch = null)
    {
        using var request = new HttpRequestMessage(method, path)
        {
            Content = new StringContent(body.ToJsonString(), new MediaTypeHeaderValue("application/json")),
        };
        if (ifMatch is not null)
            request.Headers.TryAddWithoutValidation("If-Match", ifMatch);
        using var answer = await SendAsync(request, ct);
        return await ReadAsync(answer, Json.JsonElement, ct);
    }

    /// <summary>Deletes something; what is not there is deleted already.</summary>
    public async Task DeleteAsync(string path, CancellationToken ct)
    {
        using var answer = await SendAsync(new HttpRequestMessage(HttpMethod.Delete, path), ct);
    }

    /// <inheritdoc/>
    public void Dispose() => _http.Dispose();

    private async Task<T> GetAsync<T>(string path, JsonTypeInfo<T> type, CancellationToken ct)
    {
        using var answer = await SendAsync(new HttpRequestMessage(HttpMethod.Get, path), ct);
        return await ReadAsync(answer, type, ct);
    }

    /// <summary>A whole list, however many pages the server makes of it.</summary>
    private async Task<IReadOnlyList<T>> GetAllAsync<T>(string path, JsonTypeInfo<List<T>> type, CancellationToken ct)
    {
        var (all, pages) = await GetPageAsync(path, 1, null, type, ct);
        for (var page = 2; page <= pages; page++)
            all.AddRange((await GetPageAsync(path, page, null, type, ct)).Items);
        return all;
    }

    /// <summary>One page of a list, and how many there are; one, where the server knows no pages.</summary>
    private async Task<(List<T> Items, int Pages)> GetPageAsync<T>(string path, int page, int? perPage, JsonTypeInfo<List<T>> type, CancellationToken ct)
    {
        var query = (page > 1 ? $"page={page}&" : "") + (perPage is { } size ? $"per_page={size}&" : "");
        var asked = query.Length == 0 ? path : $"{path}{(path.Contains('?') ? '&' : '?')}{query.TrimEnd('&')}";
        using var answer = await SendAsync(new HttpRequestMessage(HttpMethod.Get, asked), ct);
        var pages = answer.Headers.TryGetValues("total-pages", out var told) && int.TryParse(told.First(), out var number) ? number : 1;
        return (await ReadAsync(answer, type, ct), pages);
    }

    private Task<TAnswer> PostAsync<TBody, TAnswer>(
        string path, TBody body, JsonTypeInfo<TBody> bodyType, JsonTypeInfo<TAnswer> answerType, CancellationToken ct) =>
        SendAsync(HttpMethod.Post, path, body, bodyType, answerType, ct);

    private async Task<TAnswer> SendAsync<TBody, TAnswer>(
        HttpMethod method, string path, TBody body, JsonTypeInfo<TBody> bodyType, JsonTypeInfo<TAnswer> answerType, CancellationToken ct)
    {
        using var answer = await SendAsync(Request(method, path, body, bodyType), ct);
        return await ReadAsync(answer, answerType, ct);
    }

    private static HttpRequestMessage Post<T>(string path, T body, JsonTypeInfo<T> type) => Request(HttpMethod.Post, path, body, type);

    private static HttpRequestMessage Request<T>(HttpMethod method, string path, T body, JsonTypeInfo<T> type) => new(method, path)
    {
        Content = new StringContent(JsonSerializer.Serialize(body, type), new MediaTypeHeaderValue("application/json")),
    };

    private async Task<HttpResponseMessage> SendAsync(
        HttpRequestMessage request, CancellationToken ct, bool stream = false, HttpStatusCode? also = null)
    {
        using var patience = new CancellationTokenSource(Patience, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(ct, patience.Token);
        HttpResponseMessage answer;
        try
        {
            var completion = stream ? HttpCompletionOption.ResponseHeadersRead : HttpCompletionOption.ResponseContentRead;
            answer = await _http.SendAsync(request, completion, either.Token);
        }
        catch (HttpRequestException e)
        {
            throw new ServerUnreachableException(e.InnerException?.Message ?? e.Message, e);
        }
        catch (OperationCanceledException e) when (!ct.IsCancellationRequested)
        {
            throw new ServerUnreachableException($"It has not answered for {Patience.TotalSeconds:0} seconds.", e);
        }
        if (answer.Headers.Date is { } date)
            ServerAhead = date - _time.GetUtcNow() is var ahead && ahead.Duration() > s_agree ? ahead : TimeSpan.Zero;
        if (answer.IsSuccessStatusCode || answer.StatusCode == also)
            return answer;
        using (answer)
            throw await RefusalAsync(answer, ct);
    }

    private static async Task<T> ReadAsync<T>(HttpResponseMessage answer, JsonTypeInfo<T> type, CancellationToken ct)
    {
        try
        {
            await using var body = await answer.Content.ReadAsStreamAsync(ct);
            return await JsonSerializer.DeserializeAsync(body, type, ct) ?? throw new JsonException("null");
        }
        catch (JsonException e)
        {
            throw new ServerUnreachableException("What answered is no Berth server, or one of another age: " + e.Message, e);
        }
    }

    private static async Task<Exception> RefusalAsync(HttpResponseMessage answer, CancellationToken ct)
    {
        try
        {
            await using var body = await answer.Content.ReadAsStreamAsync(ct);
            if (await JsonSerializer.DeserializeAsync(body, Json.ProblemBody, ct) is { Error: { } problem })
                return new ApiException(answer.StatusCode, problem);
        }
        catch (JsonException)
        {
            // Not Berth's words: the status is all there is.
        }
        return new ServerUnreachableException($"What answered is no Berth server: HTTP {(int)answer.StatusCode} {answer.ReasonPhrase}.");
    }

    private static string Escape(string segment) => Uri.EscapeDataString(segment);
}
