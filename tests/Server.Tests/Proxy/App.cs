using System.Net.WebSockets;
using System.Security.Cryptography;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;

namespace Berth.Server.Tests.Proxy;

/// <summary>What an app was sent.</summary>
public sealed record Seen(string Method, string Target, string Connection, Dictionary<string, string[]> Headers, long Bytes, string Sha256);

/// <summary>The front end of a session: a real web server that does what apps do.</summary>
public sealed class App : IAsyncDisposable
{
    private readonly WebApplication _app;
    private int _waiting;

    private App(WebApplication app) => _app = app;

    public int Port => new Uri(_app.Urls.First()).Port;

    /// <summary>What <c>/events</c> and <c>/poll</c> wait for before they say more.</summary>
    public SemaphoreSlim GoOn { get; } = new(0);

    /// <summary>Visitors that wait for <c>/events</c>.</summary>
    public int Waiting => _waiting;

    public static async Task<App> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.Limits.MaxRequestBodySize = null;
            kestrel.ResponseHeaderEncodingSelector = _ => System.Text.Encoding.UTF8;
        });
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var web = builder.Build();
        var app = new App(web);
        web.UseWebSockets(new() { KeepAliveInterval = TimeSpan.Zero });
        web.Run(app.AnswerAsync);
        await web.StartAsync();
        return app;
    }

    public async ValueTask DisposeAsync()
    {
        using var atOnce = new CancellationTokenSource(TimeSpan.Zero);
        await _app.StopAsync(atOnce.Token);
        await _app.DisposeAsync();
        GoOn.Dispose();
    }

    private Task AnswerAsync(HttpContext context) => context.Request.Path.Value switch
    {
        "/download" => DownloadAsync(context),
        "/chunks" => ChunksAsync(context),
        "/events" => EventsAsync(context),
        "/poll" => PollAsync(context),
        "/cookies" => CookiesAsync(context),
        "/headers" => HeadersAsync(context),
        "/redirect" => RedirectAsync(context),
        "/abort" => AbortAsync(context),
        "/half" => HalfAsync(context),
        "/socket" => SocketAsync(context),
        _ => EchoAsync(context),
    };

    private static async Task EchoAsync(HttpContext context)
    {
        using var sha = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var buffer = new byte[64 * 1024];
        long bytes = 0;
        int read;
        while ((read = await context.Request.Body.ReadAsync(buffer)) > 0)
        {
            sha.AppendData(buffer, 0, read);
            bytes += read;
        }

        if (context.Request.Headers["X-Status"] is [{ } status])
            context.Response.StatusCode = int.Parse(status);
        var seen = new Seen(
            context.Request.Method, context.Features.Get<IHttpRequestFeature>()!.RawTarget, context.Connection.Id,
            context.Request.Headers.ToDictionary(h => h.Key, h => h.Value.Select(v => v ?? "").ToArray(), StringComparer.OrdinalIgnoreCase),
            bytes, Convert.ToHexString(sha.GetHashAndReset()));
        context.Response.Headers["X-App"] = "yes";
        await context.Response.WriteAsync(JsonSerializer.Serialize(seen));
    }

    private static async Task DownloadAsync(HttpContext context)
    {
        var left = long.Parse(context.Request.Query["bytes"]!);
        context.Response.ContentLength = left;
        var block = new byte[64 * 1024];
        for (; left > 0; left -= block.Length)
            await context.Response.Body.WriteAsync(block.AsMemory(0, (int)Math.Min(left, block.Length)));
    }

    private static async Task ChunksAsync(HttpContext context)
    {
        for (var i = 0; i < 5; i++)
        {
            await context.Response.WriteAsync($"chunk {i};");
            await context.Response.Body.FlushAsync();
        }
    }

    private async Task EventsAsync(HttpContext context)
    {
        context.Response.ContentType = "text/event-stream";
        await context.Response.Body.FlushAsync();
        Interlocked.Increment(ref _waiting);
        try
        {
            for (var i = 0; ; i++)
            {
                await GoOn.WaitAsync(context.RequestAborted);
                await context.Response.WriteAsync($"data: {i}\n\n");
                await context.Response.Body.FlushAsync();
            }
        }
        catch (OperationCanceledException)
        {
            Interlocked.Decrement(ref _waiting);
        }
    }

    private async Task PollAsync(HttpContext context)
    {
        await GoOn.WaitAsync(context.RequestAborted);
        await context.Response.WriteAsync("at last");
    }

    private static Task CookiesAsync(HttpContext context)
    {
        context.Response.Headers.Append("Set-Cookie", "app=1; Path=/");
        context.Response.Headers.Append("Set-Cookie", "berth-gate-X=stolen; Path=/");
        context.Response.Headers.Append("Set-Cookie", "__Host-berth-gate=stolen; Path=/; Secure");
        context.Response.Headers.Append("Set-Cookie", "_xsrf=2|abc; Path=/");
        return Task.CompletedTask;
    }

    private static Task HeadersAsync(HttpContext context)
    {
        context.Response.Headers.ContentDisposition = "attachment; filename=\"Zürich – 図.ipynb\"";
        context.Response.Headers.ContentEncoding = "gzip";
        return context.Response.Body.WriteAsync(Convert.FromHexString("1f8b0800000000000003cb48cdc9c9070086a6103605000000")).AsTask();
    }

    private static Task RedirectAsync(HttpContext context)
    {
        context.Response.Redirect("/lab/tree/there?x=%2F");
        return Task.CompletedTask;
    }

    private static Task AbortAsync(HttpContext context)
    {
        context.Abort();
        return Task.CompletedTask;
    }

    private async Task HalfAsync(HttpContext context)
    {
        context.Response.ContentLength = 1000;
        await context.Response.WriteAsync("half");
        await context.Response.Body.FlushAsync();
        await GoOn.WaitAsync(context.RequestAborted);
        context.Abort();
    }

    // Echoes; "close CODE WORDS" closes with them.
    private static async Task SocketAsync(HttpContext context)
    {
        var protocol = context.WebSockets.WebSocketRequestedProtocols.FirstOrDefault();
        using var socket = await context.WebSockets.AcceptWebSocketAsync(protocol);
        var buffer = new byte[1024 * 1024];
        while (true)
        {
            var message = await socket.ReceiveAsync(buffer.AsMemory(), context.RequestAborted);
            if (message.MessageType == WebSocketMessageType.Close)
            {
                await socket.CloseOutputAsync(socket.CloseStatus!.Value, socket.CloseStatusDescription, default);
                return;
            }

            var text = message.MessageType == WebSocketMessageType.Text ? System.Text.Encoding.UTF8.GetString(buffer, 0, message.Count) : "";
            if (text.StartsWith("close ", StringComparison.Ordinal))
            {
                var parts = text.Split(' ', 3);
                await socket.CloseOutputAsync((WebSocketCloseStatus)int.Parse(parts[1]), parts[2], default);
            }
            else
            {
                await socket.SendAsync(buffer.AsMemory(0, message.Count), message.MessageType, message.EndOfMessage, default);
            }
        }
    }
}
