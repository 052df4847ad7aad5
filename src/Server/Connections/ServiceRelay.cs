using System.Text.Json;
using Berth.Contracts.Json;
using Berth.Contracts.Problems;
using Berth.Contracts.Services;
using Berth.Core.Sessions;
using Berth.Server.Auth;
using Berth.Server.Problems;
using Berth.Server.Proxy;
using Berth.Server.Sessions;
using Berth.Tunnel;
using Berth.Tunnel.Resumable;

namespace Berth.Server.Connections;

/// <summary>
/// Carries a client's stream to the agent of its session: says who may, and moves bytes. What they mean is between the two;
/// the first words alone are read, for the record of connections.
/// </summary>
/// <remarks>
/// 1. The session is the caller's, and runs. 2. What may end it is taken hold of before that is asked. 3. There is a place.
/// 4. The agent is there. 5. Bytes pass until either side ends, or something ends it. A connection that is opened ahead waits
/// for its stream in a place of another kind; the last three follow once its first words come.
/// </remarks>
public sealed class ServiceRelay(
    SessionQueries queries, SessionDirectory directory, SessionDialer dialer, LiveConnections live, Callers callers, StreamLimits limits,
    ConnectionLog log, IHostApplicationLifetime lifetime)
{
    private static readonly TimeSpan s_helloWithin = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan s_aheadFor = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan s_farewellWithin = TimeSpan.FromSeconds(5);

    /// <summary>Answers the request of a command, which brings its own stream, at once or later.</summary>
    public Task ServeAsync(string session, bool ahead, Caller caller, HttpContext context) => ServeAsync(session, ahead, caller, context, (socket, _) => socket);

    /// <summary>Answers the request of a page, for which the server asks for a terminal.</summary>
    public Task ServeTerminalAsync(string session, TerminalRequest request, int? window, Caller caller, HttpContext context) =>
        ServeAsync(session, ahead: false, caller, context, (socket, ct) => TerminalCarrier.Of(socket, request, window, ct));

    private async Task ServeAsync(
        string session, bool ahead, Caller caller, HttpContext context, Func<TunnelStream, CancellationToken, DuplexStream> carrier)
    {
        var ct = context.RequestAborted;
        // 1. and 2.
        var found = await queries.RequireAsync(caller, session, ct);
        var id = found.Session.Id;
        var cut = live.Token(id, caller.ProofId ?? caller.UserId);
        var revoked = await callers.HoldAsync(context, caller);
        if (!directory.TryGet(id, out var route) || route.Status != SessionStatus.Running)
            throw NotRunning(found.Facts.Name, route?.Status ?? SessionStatus.Ended);

        // 3.
        using var place = limits.Take(id, caller.UserId, ahead);

        // 4.
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(ct, cut, revoked, lifetime.ApplicationStopping);
        await using var dialled = ahead ? null : await DialAsync(route, stop.Token);
        if (!context.WebSockets.IsWebSocketRequest)
        {
            // Who was refused a WebSocket cannot read why; asking again without one tells.
            context.Response.StatusCode = StatusCodes.Status204NoContent;
            return;
        }
        context.LiftDataRates();
        await using var socket = new TunnelStream(await context.AcceptOverNetworkAsync());
        await using var client = carrier(socket, stop.Token);

        // 5.
        try
        {
            var hello = await GreetAsync(client, ahead ? s_aheadFor : s_helloWithin, stop.Token);
            place.Use();
            await using var later = ahead ? await DialAsync(route, stop.Token) : null;
            await RelayAsync(client, dialled ?? later!, place, hello, Note(route, caller, hello, context), stop.Token);
        }
        catch (Exception e) when (e is IOException or OperationCanceledException || e is ProblemException && ahead)
        {
            // Either side lost its line, or may not go on: the stream itself knows how to.
        }
    }

    private static async Task<StreamHello> GreetAsync(DuplexStream client, TimeSpan within, CancellationToken ct)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(ct);
        limit.CancelAfter(within);
        return await StreamHello.ReadAsync(client, limit.Token);
    }

    private async Task RelayAsync(
        DuplexStream client, DuplexStream agent, StreamLimits.Place place, StreamHello hello, NotedConnection noted, CancellationToken ct)
    {
        try
        {
            await hello.WriteAsync(agent, ct);
            await PassAsync(client, agent, place, noted, new CarrierMeter(hello.Received), ct);
        }
        finally
        {
            noted.Leave();
        }
    }

    // A carrier has one end, which both sides are told, and each gets a moment to hear it: a line that is cut takes what is
    // on its way with it. A client whose line was closed is told from one that fell silent by exactly that end: the agent
    // hears of the first at once, and from a server that died nothing at all.
    private async Task PassAsync(
        DuplexStream client, DuplexStream agent, StreamLimits.Place place, NotedConnection noted, CarrierMeter meter, CancellationToken ct)
    {
        using var over = new CancellationTokenSource();
        // Who may not go on loses the line, and the agent hears that it was closed. When the server stops nobody has left:
        // the client comes to the next one.
        using var cut = ct.UnsafeRegister(_ =>
        {
            if (lifetime.ApplicationStopping.IsCancellationRequested)
                agent.Abort();
            client.Abort();
        }, null);
        await Task.WhenAll(
            CopyAsync(client, agent, bytes => noted.ReachIn(meter.PassIn(bytes))),
            CopyAsync(agent, client, bytes => noted.ReachOut(meter.PassOut(bytes))));

        async Task CopyAsync(DuplexStream from, DuplexStream to, Action<ReadOnlySpan<byte>> count)
        {
            try
            {
                await Splice.CopyAsync(from, place.Pace(to), bytes =>
                {
                    count(bytes.Span);
                    return ValueTask.CompletedTask;
                }, over.Token);
            }
            catch (IOException)
            {
                // Either side lost its line: the stream itself knows how to go on.
            }
            over.CancelAfter(s_farewellWithin);
            await EndAsync(to, over.Token);
            await EndAsync(from, over.Token);
            await DrainAsync(from, over.Token);
        }
    }

    private static async Task EndAsync(DuplexStream side, CancellationToken ct)
    {
        try
        {
            await side.CompleteWritesAsync(ct);
        }
        catch (IOException)
        {
            // It is gone.
        }
    }

    // Whoever is kept waiting with what he says does not hear anything either.
    private static async Task DrainAsync(DuplexStream side, CancellationToken ct)
    {
        try
        {
            await Splice.CopyAsync(side, Stream.Null, null, ct);
        }
        catch (IOException)
        {
            // It is gone.
        }
    }

    private NotedConnection Note(SessionRoute route, Caller caller, StreamHello hello, HttpContext context)
    {
        var (kind, target) = Asked(hello);
        return log.Begin(route.Id, caller.UserId, hello.Id.ToString("N"), kind, target, context.From());
    }

    private static (string Kind, string? Target) Asked(StreamHello hello)
    {
        try
        {
            using var request = JsonDocument.Parse(hello.Request);
            var kind = request.RootElement is { ValueKind: JsonValueKind.Object } root && root.TryGetProperty("kind", out var said) && said.ValueKind == JsonValueKind.String
                && said.GetString() is { Length: <= 32 } word ? word : "unknown";
            return (kind, TargetOf(request));
        }
        catch (JsonException)
        {
            return ("unknown", null);
        }
    }

    private static string? TargetOf(JsonDocument request)
    {
        try
        {
            return request.Deserialize(ServiceJson.Default.ServiceRequest)?.Target() is { } target ? target[..Math.Min(target.Length, 200)] : null;
        }
        catch (Exception e) when (e is JsonException or NotSupportedException)
        {
            // A service that this server does not know; its agent may.
            return null;
        }
    }

    private async Task<DuplexStream> DialAsync(SessionRoute route, CancellationToken ct)
    {
        try
        {
            return await dialer.DialServicesAsync(route, ct);
        }
        catch (AgentTooOldException e)
        {
            throw new ProblemException(ProblemCode.Conflict, e.Message);
        }
        catch (IOException)
        {
            throw new ProblemException(ProblemCode.Unavailable, $"The agent of session '{route.Name}' is not connected at the moment. Try again soon.")
            {
                RetryAfter = TimeSpan.FromSeconds(1),
            };
        }
    }

    private static ProblemException NotRunning(string name, SessionStatus status) => new(ProblemCode.Conflict, status switch
    {
        SessionStatus.Launching => $"Session '{name}' is still starting. Wait for it with `berth session show {name}`.",
        SessionStatus.Paused or SessionStatus.Failed => $"Session '{name}' does not run: it is {Word(status)}. Start it again with `berth session resume {name}`.",
        _ => $"Session '{name}' does not run: it is {Word(status)}.",
    });

    private static string Word(SessionStatus status) => status switch
    {
        SessionStatus.Pausing => "being paused",
        SessionStatus.Stopping => "being stopped",
        _ => status.ToString().ToLowerInvariant(),
    };
}
