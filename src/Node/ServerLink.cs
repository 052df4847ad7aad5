using System.Net.WebSockets;
using System.Text.Json;
using Berth.Contracts.Json;
using Berth.Contracts.Nodes;
using Berth.Providers.Nodes;
using Berth.Tunnel;

namespace Berth.Node;

/// <summary>
/// The connection to the server: what the machine offers and measures out, calls in. It comes back for ever, and nothing on
/// the machine waits for it.
/// </summary>
internal sealed class ServerLink(NodeFolder folder, Machine machine, NodeCalls calls, AgentRelay relay, TimeProvider time)
{
    private const int LongestMessage = 64 * 1024;
    // It may be the wrong database, for a moment: whoever gives up is not started again.
    private static readonly TimeSpan s_unknownFor = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan s_tellAtLeastEvery = TimeSpan.FromMinutes(1);

    /// <summary>Connects and reconnects until cancelled.</summary>
    /// <exception cref="NodeException">The server does not know the node any more.</exception>
    public async Task RunAsync(CancellationToken stop)
    {
        using var dialer = new ServerDialer(folder.Settings.Server, folder.Token, folder.Authorities);
        var backoff = dialer.Backoff(time);
        string? said = null;
        long? unknownSince = null;
        while (!stop.IsCancellationRequested)
        {
            string why;
            try
            {
                why = await ConnectedAsync(dialer, stop);
                backoff.Reset();
                (said, unknownSince) = (null, null);
            }
            catch (NodeUnknownException e)
            {
                unknownSince ??= time.GetTimestamp();
                why = $"{folder.Settings.Server} does not know this machine any more: it was removed there.";
                if (time.GetElapsedTime(unknownSince.Value) >= s_unknownFor)
                    throw new NodeException(NodeException.NoPermission, $"{why} Sessions that run here are left alone; join again with a new token and another --data folder.", e);
                why += $" It is asked for {s_unknownFor.TotalMinutes:0} minutes.";
            }
            catch (WebSocketException e) when (e.Message.Contains("'403'", StringComparison.Ordinal))
            {
                why = $"{folder.Settings.Server} does not let this machine in now: the user whom alone it serves is disabled there. Sessions that run here are left alone, and it is tried again.";
            }
            catch (Exception e) when (e is WebSocketException or IOException or JsonException or OperationCanceledException)
            {
                why = Joining.NotReached(folder.Settings.Server, e);
                unknownSince = null;
            }

            if (stop.IsCancellationRequested)
                return;
            // Said once: an hour without the server is one line, not an hour of them.
            if (why != said)
                await Console.Error.WriteLineAsync($"berth-node: {said = why}");
            await backoff.PauseAsync(stop);
        }
    }

    /// <returns>Why the connection ended.</returns>
    private async Task<string> ConnectedAsync(ServerDialer dialer, CancellationToken stop)
    {
        var connection = Guid.NewGuid().ToString("N");
        // Before it connects: a server waits for a machine's first words, not for its driver.
        var facts = await machine.MeasureAsync(stop);
        using var socket = await dialer.ConnectAsync(NodeRoutes.Control, connection, stop);
        await SendAsync(socket, new NodeHello(NodeProgram.Version, folder.Offer, facts), stop);
        if (await HearAsync(socket, stop) is not NodeWelcome welcome)
            return $"{folder.Settings.Server} refuses this machine: {socket.CloseStatusDescription ?? "it gave no reason"}";

        await Console.Error.WriteLineAsync($"berth-node: connected to {folder.Settings.Server} as {folder.Identity!.Name}");
        using var over = CancellationTokenSource.CreateLinkedTokenSource(stop);
        var tunnel = new TunnelClient(ct => dialer.ConnectAsync(NodeRoutes.Stream, connection, ct), calls.ServeAsync) { Wanted = welcome.Streams };
        var streams = tunnel.RunAsync(over.Token);
        var telling = TellAsync(socket, facts, over.Token);
        var listening = ListenAsync(socket, over.Token);
        await Task.WhenAny(telling, listening);
        await over.CancelAsync();
        await Task.WhenAll(streams, telling, listening).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        relay.CutAll();
        return $"the connection to {folder.Settings.Server} was lost";
    }

    private async Task TellAsync(WebSocket socket, NodeFacts told, CancellationToken ct)
    {
        var toldAt = time.GetTimestamp();
        while (true)
        {
            var changed = await machine.DueAsync(ct);
            var facts = await machine.MeasureAsync(ct);
            if (!changed && !Machine.Differ(told, facts) && time.GetElapsedTime(toldAt) < s_tellAtLeastEvery)
                continue;
            await SendAsync(socket, new NodeReport(facts), ct);
            (told, toldAt) = (facts, time.GetTimestamp());
        }
    }

    private static async Task ListenAsync(WebSocket socket, CancellationToken ct)
    {
        while (await HearAsync(socket, ct) is not null)
        {
            // Whatever a newer server may say.
        }
    }

    private static Task SendAsync(WebSocket socket, NodeMessage message, CancellationToken ct) => socket.SendAsync(message, NodeJson.Default.NodeMessage, ct);

    /// <returns>Null at the end.</returns>
    private static Task<NodeMessage?> HearAsync(WebSocket socket, CancellationToken ct) => socket.ReceiveAsync(NodeJson.Default.NodeMessage, LongestMessage, ct);
}
