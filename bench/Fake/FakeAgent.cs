using System.Net.WebSockets;
using System.Text.Json;
using Berth.Contracts.Agents;
using Berth.Contracts.Json;
using Berth.Contracts.Sessions;
using Berth.Tunnel;

namespace Berth.Bench.Fake;

/// <summary>The control connection of an agent whose session is ready and idle: all that an idle session costs the server.</summary>
public sealed class FakeAgent : IDisposable
{
    private readonly ServerDialer _dialer;
    private readonly WebSocket _control;

    private FakeAgent(ServerDialer dialer, WebSocket control) => (_dialer, _control) = (dialer, control);

    public static async Task<FakeAgent> ConnectAsync(FakeBench server, SessionView session)
    {
        var folder = server.Folder(session.Id);
        var dialer = new ServerDialer($"unix:{folder}/agent.sock", await File.ReadAllTextAsync(Path.Combine(folder, FakeServer.AgentTokenFile)));
        var control = await dialer.ConnectAsync(AgentRoutes.Control, Guid.NewGuid().ToString("N"), default);
        await SayAsync(control, new AgentHello(session.Id, session.Berth.Generation, "bench", 0, 0));
        await control.ReceiveAsync(new byte[1024].AsMemory(), default);
        await SayAsync(control, new AgentReport("ready", null, true, null, []));
        return new FakeAgent(dialer, control);
    }

    public void Dispose()
    {
        _control.Dispose();
        _dialer.Dispose();
    }

    private static async Task SayAsync(WebSocket control, AgentMessage message) =>
        await control.SendAsync(JsonSerializer.SerializeToUtf8Bytes(message, AgentJson.Default.AgentMessage), WebSocketMessageType.Text, true, default);
}
