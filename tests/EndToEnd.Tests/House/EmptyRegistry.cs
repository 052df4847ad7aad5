using System.Net;
using System.Text;

namespace Berth.EndToEnd.Tests.House;

/// <summary>An image registry that has no images. Engines trust registries on loopback without TLS.</summary>
internal sealed class EmptyRegistry : IDisposable
{
    private readonly HttpListener _listener = new();

    public EmptyRegistry()
    {
        Address = $"127.0.0.1:{RunningServer.FreePort()}";
        _listener.Prefixes.Add($"http://{Address}/");
        _listener.Start();
        _ = AnswerAsync();
    }

    public string Address { get; }

    public void Dispose() => _listener.Close();

    // https://github.com/opencontainers/distribution-spec/blob/main/spec.md
    private async Task AnswerAsync()
    {
        try
        {
            while (true)
            {
                var context = await _listener.GetContextAsync();
                var isPing = context.Request.Url!.AbsolutePath is "/v2/" or "/v2";
                context.Response.StatusCode = isPing ? 200 : 404;
                context.Response.ContentType = "application/json";
                context.Response.Headers["Docker-Distribution-Api-Version"] = "registry/2.0";
                var body = isPing ? "{}" : """{"errors":[{"code":"NAME_UNKNOWN","message":"repository name not known to registry"}]}""";
                context.Response.Close(Encoding.UTF8.GetBytes(body), willBlock: false);
            }
        }
        catch (Exception e) when (e is HttpListenerException or ObjectDisposedException)
        {
            // closed
        }
    }
}
