using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Berth.Core.Faults;
using Berth.Core.Providers;
using Berth.Core.Sessions;

namespace Berth.Providers.Docker;

/// <summary>
/// One engine that has answered: sends calls, and turns whatever goes wrong into a <see cref="ProviderException"/>. The
/// calls themselves are in <c>DockerClient.Calls.cs</c>.
/// </summary>
internal sealed partial class DockerClient : IDisposable
{
    // The newest version of the API whose changes were looked at; an older engine is spoken to in its own.
    private static readonly Version NewestApi = new(1, 47);
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(30);

    // Making and starting containers copies files and waits for the disk; a stop waits for the session.
    private static readonly TimeSpan Later = TimeSpan.FromMinutes(3);

    /// <summary>Where Podman has calls of its own, beside Docker's.</summary>
    private const string Libpod = "/v4.0.0/libpod";

    private readonly EngineAddress address;
    private readonly TimeProvider time;
    private readonly HttpClient http;
    private EnginePeer? peer;
    private string prefix = "";

    private DockerClient(EngineAddress address, TimeProvider time)
    {
        this.address = address;
        this.time = time;
        var handler = new SocketsHttpHandler
        {
            ConnectCallback = ConnectAsync,
            UseProxy = false,
            UseCookies = false,
            AllowAutoRedirect = false,
            PooledConnectionIdleTimeout = TimeSpan.FromMinutes(10),
        };
        http = new HttpClient(handler) { BaseAddress = new Uri("http://docker"), Timeout = Timeout.InfiniteTimeSpan };
    }

    /// <summary>What it says of itself.</summary>
    public EngineInfo Info { get; private set; } = null!;

    /// <summary>A call found it silent: look for an engine anew.</summary>
    public bool IsLost { get; private set; }

    /// <summary>Speaks to the engine at an address and agrees on a version of the API.</summary>
    /// <exception cref="ProviderException"><see cref="Reason.EngineUnreachable"/>: it does not answer.</exception>
    public static async Task<DockerClient> OpenAsync(EngineAddress address, TimeProvider time, CancellationToken ct)
    {
        var client = new DockerClient(address, time);
        try
        {
            var version = await client.GetAsync(EngineCall.ReadVersion, "/version", DockerJson.Default.VersionReply, ct);
            if (Version.TryParse(version.ApiVersion, out var api))
                client.prefix = $"/v{(api < NewestApi ? api : NewestApi)}";
            var info = await client.GetAsync(EngineCall.ReadInfo, "/info", DockerJson.Default.InfoReply, ct);
            var rootless = client.peer is { User: not 0 } || (info.SecurityOptions ?? []).Any(o => o.Contains("rootless"));
            var engine = new EngineInfo(
                address.ToString(), version.Version, info.Name ?? "", $"{version.Os}/{version.Arch}", info.Cpus, info.MemTotal)
            {
                IsPodman = (version.Components ?? []).Any(c => c.Name.StartsWith("Podman", StringComparison.Ordinal)),
                IsRootless = rootless,
                IgnoresLimits = rootless && info.CgroupVersion == "1",
                Limits = client.peer is { } peer ? EngineLimits.Of(peer) : null,
                SameUserIds = address.SocketPath is not null && !rootless && !(info.SecurityOptions ?? []).Any(o => o.Contains("userns")),
                DataFolder = address.SocketPath is null ? null : info.DockerRootDir,
            };
            client.Info = engine with { NoGpus = EngineGpus.WhyNone(engine, info, address.SocketPath is not null, Environment.GetEnvironmentVariable("PATH")) };
            return client;
        }
        catch
        {
            client.Dispose();
            throw;
        }
    }

    public void Dispose() => http.Dispose();

    private async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken ct)
    {
        var socket = await address.ConnectAsync(ct);
        if (address.SocketPath is not null)
            peer ??= EnginePeer.Of(socket);
        return new NetworkStream(socket, ownsSocket: true);
    }

    private Task<T> GetAsync<T>(EngineCall call, string path, JsonTypeInfo<T> type, CancellationToken ct) =>
        CallAsync(call, HttpMethod.Get, path, null, (response, token) => ReadAsync(response, type, token), ct);

    private Task<T?> FindAsync<T>(EngineCall call, string path, JsonTypeInfo<T> type, CancellationToken ct)
        where T : class =>
        CallAsync(
            call,
            HttpMethod.Get,
            path,
            null,
            async (response, token) => response.StatusCode == HttpStatusCode.NotFound ? null : await ReadAsync(response, type, token),
            ct);

    /// <summary>Sends a call whose answer is in its status alone; other statuses than successes and these are refusals.</summary>
    private Task<HttpStatusCode> SendAsync(
        EngineCall call, HttpMethod method, string path, HttpContent? body, HttpStatusCode[] expected, TimeSpan within, CancellationToken ct) =>
        CallAsync(
            call,
            method,
            path,
            body,
            async (response, token) =>
            {
                if (!expected.Contains(response.StatusCode))
                    await RefuseAsync(response, token);
                return response.StatusCode;
            },
            ct,
            within);

    /// <summary>Every call goes through here: one place knows of time limits, lost engines, refusals and fault points.</summary>
    private async Task<T> CallAsync<T>(
        EngineCall call, HttpMethod method, string path, HttpContent? body, Func<HttpResponseMessage, CancellationToken, Task<T>> read,
        CancellationToken ct, TimeSpan? within = null, Action<HttpRequestMessage>? adjust = null)
    {
        var limit = within ?? Soon;
        using var timer = new CancellationTokenSource(limit, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(ct, timer.Token);
        try
        {
            FaultPoints.Before(call);
            using var request = new HttpRequestMessage(method, path.StartsWith(Libpod, StringComparison.Ordinal) ? path : prefix + path) { Content = body };
            adjust?.Invoke(request);
            using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, both.Token);
            var answer = await read(response, both.Token);
            FaultPoints.After(call);
            return answer;
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            throw new ProviderException(Reason.EngineUnreachable, $"{address} (it did not answer within {limit.TotalSeconds:0} s)");
        }
        catch (Exception e) when (e is HttpRequestException or IOException or SocketException)
        {
            throw Lost(Fault(e), e);
        }
        catch (JsonException e)
        {
            throw new ProviderException(Reason.Refused, $"{address} answered {method} {path} in a way that cannot be read: {e.Message}", e);
        }
    }

    private static async Task<T> ReadAsync<T>(HttpResponseMessage response, JsonTypeInfo<T> type, CancellationToken ct)
    {
        await RefuseAsync(response, ct);
        await using var stream = await response.Content.ReadAsStreamAsync(ct);
        return await JsonSerializer.DeserializeAsync(stream, type, ct) ?? throw new JsonException("The answer is null.");
    }

    /// <summary>Throws where the answer is a refusal.</summary>
    private static async Task RefuseAsync(HttpResponseMessage response, CancellationToken ct)
    {
        if (response.IsSuccessStatusCode)
            return;
        var text = await response.Content.ReadAsStringAsync(ct);
        string? words;
        try
        {
            words = JsonSerializer.Deserialize(text, DockerJson.Default.ErrorReply)?.Message;
        }
        catch (JsonException)
        {
            words = text;
        }

        throw DockerStates.Refusal(response.StatusCode, words);
    }

    private ProviderException Lost(string fault, Exception? inner = null)
    {
        IsLost = true;
        return new ProviderException(Reason.EngineUnreachable, $"{address} ({fault})", inner);
    }

    private static string Fault(Exception e) => e.GetBaseException() switch
    {
        SocketException { SocketErrorCode: SocketError.AddressNotAvailable } => "there is no such socket",
        SocketException { SocketErrorCode: SocketError.ConnectionRefused } => "nothing listens there",
        SocketException { SocketErrorCode: SocketError.AccessDenied } =>
            "this user may not use it; `sudo usermod -aG docker $USER` and a new sign-in allow it",
        SocketException s => s.Message,
        var other => other.Message,
    };

    private static ByteArrayContent Json<T>(T value, JsonTypeInfo<T> type)
    {
        // With a length: not every engine reads chunked bodies.
        var content = new ByteArrayContent(JsonSerializer.SerializeToUtf8Bytes(value, type));
        content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        return content;
    }
}
