using System.Net.WebSockets;

// Listens on every address of its container, so that it can be reached through the agent, directly, and by the peers.
var builder = WebApplication.CreateSlimBuilder();
builder.Logging.ClearProviders();
builder.WebHost.ConfigureKestrel(kestrel =>
{
    kestrel.ListenAnyIP(8888);
    kestrel.Limits.MaxRequestBodySize = null;
    kestrel.Limits.MinRequestBodyDataRate = null;
});
await using var app = builder.Build();
var chunk = new byte[64 * 1024];
var small = "Hello from inside the session.\n"u8.ToArray();
app.UseWebSockets();
app.Run(async context =>
{
    switch (context.Request.Path.Value)
    {
        // ?size=BYTES
        case "/large":
            var left = long.Parse(context.Request.Query["size"].ToString());
            context.Response.ContentLength = left;
            for (; left > 0; left -= chunk.Length)
                await context.Response.Body.WriteAsync(chunk.AsMemory(0, (int)Math.Min(left, chunk.Length)));
            break;

        case "/sink":
            var buffer = new byte[chunk.Length];
            while (await context.Request.Body.ReadAsync(buffer) > 0)
            {
            }

            break;

        // ?messages=COUNT&size=BYTES, then it closes.
        case "/socket":
            using (var socket = await context.WebSockets.AcceptWebSocketAsync())
            {
                var size = int.Parse(context.Request.Query["size"].ToString());
                for (var messages = int.Parse(context.Request.Query["messages"].ToString()); messages > 0; messages--)
                    await socket.SendAsync(chunk.AsMemory(0, size), WebSocketMessageType.Binary, endOfMessage: true, default);
                await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, default);
            }

            break;

        default:
            context.Response.ContentLength = small.Length;
            await context.Response.Body.WriteAsync(small);
            break;
    }
});
await app.RunAsync();
