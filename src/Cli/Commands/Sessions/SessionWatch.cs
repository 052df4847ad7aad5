using System.Net;
using Berth.Cli.Servers;
using Berth.Contracts.Client;
using Berth.Contracts.Sessions;

namespace Berth.Cli.Commands.Sessions;

/// <summary>
/// Waits until a session is where it was wanted: it listens to the server's changes from before the wish was sent, and looks
/// at the session when it is told that something changed. A server that restarts meanwhile is listened to again.
/// </summary>
internal sealed class SessionWatch : IDisposable
{
    private static readonly TimeSpan ServerMayBeAway = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan BetweenTries = TimeSpan.FromMilliseconds(250);

    private readonly Call _call;
    private readonly Server _server;
    private readonly CancellationTokenSource _end;
    // One enumerator for the whole watch: to end one would end the stream, and with it what has not been read yet.
    private IAsyncEnumerator<Change>? _changes;

    private SessionWatch(Call call, Server server, CancellationToken ct)
    {
        _call = call;
        _server = server;
        _end = CancellationTokenSource.CreateLinkedTokenSource(ct);
    }

    /// <param name="call">The command.</param>
    /// <param name="server">Whose changes.</param>
    /// <param name="detached">Nobody will wait: <see cref="UntilAsync"/> returns at once.</param>
    /// <param name="ct">Ends the watch.</param>
    public static async Task<SessionWatch> BeginAsync(Call call, Server server, bool detached, CancellationToken ct)
    {
        var watch = new SessionWatch(call, server, ct);
        if (!detached)
            await watch.ListenAsync();
        return watch;
    }

    /// <summary>The session once <paramref name="reached"/> says so; every state on the way is shown to <paramref name="seen"/>.</summary>
    public async Task<SessionView> UntilAsync(
        SessionView session, Func<SessionView, bool> reached, TimeSpan? timeout, CancellationToken ct, Action<SessionView>? seen = null)
    {
        seen?.Invoke(session);
        if (_changes is null || reached(session))
            return session;
        using var limit = new CancellationTokenSource(timeout ?? Timeout.InfiniteTimeSpan, _call.Here.Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(ct, limit.Token);
        try
        {
            while (true)
            {
                session = await LookAsync(session, either.Token);
                seen?.Invoke(session);
                if (reached(session))
                    return session;
                session = await NextAsync(session, either.Token);
            }
        }
        catch (OperationCanceledException) when (limit.IsCancellationRequested && !ct.IsCancellationRequested)
        {
            throw new CliException(ExitCodes.TimedOut,
                $"Session '{session.Name}' is {session.Berth.Status} after {Output.Ages.Span(timeout!.Value)}; it goes on. "
                + $"Look at it with `berth session show {session.Name}`.");
        }
    }

    /// <summary>Says how a wish ended, for commands whose wish is not a running session.</summary>
    public static int Outcome(Call call, SessionView session, bool fulfilled, bool detached, string success)
    {
        if (fulfilled)
            call.Report.Line(success);
        else if (detached)
            call.Report.Line($"Session '{session.Name}' is {session.Berth.Status}. Look at it with `berth session show {session.Name}`.");
        else
            throw new CliException(ExitCodes.SessionFailed, $"Session '{session.Name}' is {session.Berth.Status}: {session.Berth.Sentence} {session.Berth.NextStep}".TrimEnd());
        return ExitCodes.Ok;
    }

    public void Dispose()
    {
        _end.Cancel();
        _end.Dispose();
    }

    /// <summary>Waits for the next change of the session; a stream that ended is opened again.</summary>
    private async Task<SessionView> NextAsync(SessionView session, CancellationToken ct)
    {
        try
        {
            while (await _changes!.MoveNextAsync().AsTask().WaitAsync(ct))
            {
                if (_changes.Current.Kind != "session" || _changes.Current.Id != session.Id)
                    continue;
                return session;
            }
        }
        catch (ServerUnreachableException)
        {
            // Listened to again below.
        }
        await ListenAgainAsync(ct);
        return session;
    }

    private async Task ListenAsync() =>
        _changes = (await _server.Client.ListenAsync(_end.Token)).GetAsyncEnumerator(_end.Token);

    private async Task ListenAgainAsync(CancellationToken ct)
    {
        _call.Report.Line("The connection to the server was cut; waiting for it to come back …");
        var started = _call.Here.Time.GetTimestamp();
        while (true)
        {
            try
            {
                await ListenAsync();
                return;
            }
            catch (ServerUnreachableException) when (_call.Here.Time.GetElapsedTime(started) < ServerMayBeAway)
            {
                await Task.Delay(BetweenTries, _call.Here.Time, ct);
            }
        }
    }

    private async Task<SessionView> LookAsync(SessionView session, CancellationToken ct)
    {
        try
        {
            return await _server.Client.GetSessionAsync(session.Id, ct);
        }
        catch (ServerUnreachableException)
        {
            return session; // As last seen; the stream of changes has been cut, too, and says so.
        }
        catch (ApiException e) when (e.Status == HttpStatusCode.NotFound)
        {
            return session with { Berth = session.Berth with { Status = "ended", Sentence = "It is gone." } };
        }
    }
}
