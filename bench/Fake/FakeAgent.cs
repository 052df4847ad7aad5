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

    /// <summary>By the session's socket.</summary>
    public static async Task<FakeAgent> ConnectAsync(FakeBench server, SessionView session)
    {
        var folder = server.Folder(session.Id);
        var dialer = new ServerDialer($"unix:{folder}/agent.sock", await server.AgentTokenAsync(session.Id));
        return new FakeAgent(dialer, await EnterAsync(dialer, session, default));
    }

    /// <summary>Connects, and again whenever the connection is lost, as an agent does, until cancelled.</summary>
    /// <param name="dialer">To the server.</param>
    /// <param name="session">Whose agent it is.</param>
    /// <param name="tried">Called before each attempt.</param>
    /// <param name="entered">Called once it is there.</param>
    /// <param name="stop">Ends it.</param>
    public static async Task StayAsync(ServerDialer dialer, SessionView session, Action tried, Action entered, CancellationToken stop)
    {
        var backoff = dialer.Backoff(TimeProvider.System);
        while (!stop.IsCancellationRequested)
        {
            try
            {
                tried();
                using var control = await EnterAsync(dialer, session, stop);
                entered();
                backoff.Reset();
                await control.ReceiveAsync(new byte[1024].AsMemory(), stop);
            }
            catch (Exception e) when (e is WebSocketException or OperationCanceledException)
            {
                // Not there, or not any more.
            }

            await backoff.PauseAsync(stop);
        }
    }

    public void Dispose()
    {
        _control.Dispose();
        _dialer.Dispose();
    }

    private static async Task<WebSocket> EnterAsync(ServerDialer dialer, SessionView session, CancellationToken ct)
    {
        var control = await dialer.ConnectAsync(AgentRoutes.Control, Guid.NewGuid().ToString("N"), ct);
        try
        {
            await SayAsync(control, new AgentHello(session.Id, session.Berth.Generation, "bench", 0, 0));
            if ((await control.ReceiveAsync(new byte[1024].AsMemory(), ct)).MessageType == WebSocketMessageType.Close)
                throw new WebSocketException("The server does not take it in.");
            await SayAsync(control, new AgentReport("ready", null, true, null, []));
            return control;
        }
        catch
        {
            control.Dispose();
            throw;
        }
    }

    private static async Task SayAsync(WebSocket control, AgentMessage message) =>
        await control.SendAsync(JsonSerializer.SerializeToUtf8Bytes(message, AgentJson.Default.AgentMessage), WebSocketMessageType.Text, true, default);
}
