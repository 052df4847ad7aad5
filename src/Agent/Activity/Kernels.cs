using System.Net;
using System.Text.Json;
using Berth.Tunnel;

namespace Berth.Agent.Activity;

/// <summary>
/// Whether a kernel of the front end is busy, where the front end is a Jupyter server:
/// https://jupyter-server.readthedocs.io/en/latest/developers/rest-api.html. A kernel that waits (for a service, for a
/// sleep to end) uses no processor and is in use all the same.
/// </summary>
internal sealed class Kernels(int port, string? token, Loopback loopback) : IDisposable
{
    private const int LongestAnswer = 1024 * 1024;

    // Made when it is first needed: at a session's start every part that is not loaded is time won.
    private readonly Lazy<HttpClient> _http = new(() => Client(port, token, loopback));
    private bool? _isJupyter;

    /// <summary>False, too, where the front end is something else: that is asked once.</summary>
    public async Task<bool> AreBusyAsync(CancellationToken ct)
    {
        try
        {
            _isJupyter ??= await IsJupyterAsync(ct);
            // Without the parameter Jupyter would take the question for use, and never end itself when it should.
            return _isJupyter == true && await AskAsync("/api/kernels?no_track_activity=1", ct) is { ValueKind: JsonValueKind.Array } kernels
                && kernels.EnumerateArray().Any(kernel => kernel.ValueKind == JsonValueKind.Object
                    && kernel.TryGetProperty("execution_state", out var state) && state.ValueKind == JsonValueKind.String && state.GetString() == "busy");
        }
        catch (Exception e) when (e is HttpRequestException or JsonException or IOException || e is OperationCanceledException && !ct.IsCancellationRequested)
        {
            // It does not answer now; it will be asked again.
            return false;
        }
    }

    public void Dispose()
    {
        if (_http.IsValueCreated)
            _http.Value.Dispose();
    }

    private static HttpClient Client(int port, string? token, Loopback loopback)
    {
        var http = new HttpClient(new SocketsHttpHandler
        {
            UseProxy = false,
            UseCookies = false,
            AllowAutoRedirect = false,
            ConnectCallback = async (_, ct) => (await loopback.ConnectAsync(port, ct)).App ?? throw new IOException($"Nothing listens on port {port} of the session."),
            ConnectTimeout = TimeSpan.FromSeconds(5),
            PooledConnectionIdleTimeout = TimeSpan.FromSeconds(5),
        })
        {
            BaseAddress = new Uri($"http://localhost:{port}"),
            Timeout = TimeSpan.FromSeconds(10),
            MaxResponseContentBufferSize = LongestAnswer,
        };
        http.DefaultRequestHeaders.UserAgent.ParseAdd("berth-agent");
        if (token is not null)
            http.DefaultRequestHeaders.TryAddWithoutValidation("Authorization", $"token {token}");
        return http;
    }

    private async Task<bool> IsJupyterAsync(CancellationToken ct)
    {
        try
        {
            return await AskAsync("/api?no_track_activity=1", ct) is { ValueKind: JsonValueKind.Object } api && api.TryGetProperty("version", out _)
                && await AskAsync("/api/kernels?no_track_activity=1", ct) is { ValueKind: JsonValueKind.Array };
        }
        catch (JsonException)
        {
            return false;
        }
    }

    private async Task<JsonElement?> AskAsync(string path, CancellationToken ct)
    {
        using var answer = await _http.Value.GetAsync(path, ct);
        if (answer.StatusCode != HttpStatusCode.OK)
            return null;
        using var json = JsonDocument.Parse(await answer.Content.ReadAsByteArrayAsync(ct));
        return json.RootElement.Clone();
    }
}
