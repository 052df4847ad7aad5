using System.Net.WebSockets;
using System.Text;
using System.Text.Json;

namespace Berth.EndToEnd.Tests.House;

/// <summary>
/// A kernel of a JupyterLab, spoken to as JupyterLab's own pages do: https://jupyter-client.readthedocs.io/en/stable/messaging.html
/// </summary>
internal sealed class Kernel(Visitor visitor, string origin, string id)
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public static async Task<Kernel> StartAsync(Visitor visitor, string origin)
    {
        var kernel = await visitor.PostAsync($"{origin}/api/kernels", new { name = "python3" });
        return new Kernel(visitor, origin, kernel.GetProperty("id").GetString()!);
    }

    /// <summary>Connects anew, runs the code and returns what it printed.</summary>
    public async Task<string> RunAsync(string code)
    {
        using var socket = await visitor.SocketAsync($"{origin}/api/kernels/{id}/channels");
        var message = Guid.NewGuid().ToString("N");
        var request = JsonSerializer.SerializeToUtf8Bytes(new
        {
            channel = "shell",
            header = new { msg_id = message, msg_type = "execute_request", username = "", session = message, date = "", version = "5.3" },
            parent_header = new { },
            metadata = new { },
            content = new { code, silent = false, store_history = false, user_expressions = new { }, allow_stdin = false, stop_on_error = true },
            buffers = Array.Empty<object>(),
        });
        await socket.SendAsync(request, WebSocketMessageType.Text, true, Ct);

        var printed = new StringBuilder();
        while (true)
        {
            var answer = await ReadAsync(socket);
            if (!answer.GetProperty("parent_header").TryGetProperty("msg_id", out var parent) || parent.GetString() != message)
                continue;
            var content = answer.GetProperty("content");
            switch (answer.GetProperty("header").GetProperty("msg_type").GetString())
            {
                case "stream":
                    printed.Append(content.GetProperty("text").GetString());
                    break;
                case "error":
                    Assert.Fail($"{content.GetProperty("ename")}: {content.GetProperty("evalue")}");
                    break;
                case "status" when content.GetProperty("execution_state").GetString() == "idle":
                    return printed.ToString().TrimEnd();
            }
        }
    }

    private static async Task<JsonElement> ReadAsync(ClientWebSocket socket)
    {
        using var bytes = new MemoryStream();
        var buffer = new byte[65536];
        WebSocketReceiveResult part;
        do
        {
            part = await socket.ReceiveAsync(buffer, Ct);
            Assert.NotEqual(WebSocketMessageType.Close, part.MessageType);
            bytes.Write(buffer, 0, part.Count);
        }
        while (!part.EndOfMessage);
        return JsonDocument.Parse(bytes.ToArray()).RootElement;
    }
}
