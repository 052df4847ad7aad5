using System.Text.Json;
using Berth.Contracts.Client;
using Berth.Contracts.Json;
using Berth.Contracts.Problems;
using Berth.Contracts.Services;
using Berth.Tunnel;
using Berth.Tunnel.Resumable;

namespace Berth.Cli.Reach;

/// <summary>
/// Opens streams to the services of one session's agent. They outlive lost lines and restarts of the server. The first one
/// must come soon: that it does not is told with the reason. Later ones are waited for as long as those that are open.
/// </summary>
internal sealed class SessionStreams(ApiClient client, string sessionId, LineReport line, TimeProvider time)
{
    private static readonly TimeSpan s_firstWithin = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan s_moment = TimeSpan.FromSeconds(2);

    private readonly TaskCompletionSource _refused = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CarriersAhead _ahead = new(ct => client.ConnectAsync(sessionId, ct, ahead: true), time);
    private bool _works;

    /// <summary>Fails when the server gives no streams to this session any more: it does not run, or is not the caller's.</summary>
    public Task Refused => _refused.Task;

    /// <summary>Opens one.</summary>
    /// <exception cref="StreamRefusedException">The agent does not give it.</exception>
    /// <exception cref="ApiException">The server does not, or its agent is not there.</exception>
    /// <exception cref="ServerUnreachableException">The server is not there.</exception>
    /// <exception cref="CliException">The agent does not answer.</exception>
    public async Task<ResumableStream> OpenAsync(ServiceRequest request, CancellationToken ct)
    {
        var (opening, followed) = (new Opening(), line.Follow());
        using var patience = new CancellationTokenSource(Volatile.Read(ref _works) ? Timeout.InfiniteTimeSpan : s_firstWithin, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(ct, patience.Token);
        try
        {
            var opened = ResumableClient.OpenAsync(attempt => ConnectAsync(opening, attempt), Words(request), Options(followed), either.Token);
            await SayUntilAsync(opened, opening);
            var stream = await opened;
            Volatile.Write(ref _works, true);
            _ = stream.Ended.ContinueWith(_ => followed.End(), TaskScheduler.Default);
            return stream;
        }
        catch (Exception e) when (e is StreamLostException || (e is OperationCanceledException && !ct.IsCancellationRequested))
        {
            throw opening.Cause ?? new CliException(
                ExitCodes.TimedOut, "The session's agent does not answer. See how the session is with `berth session show`, and what it says with `berth session logs`.");
        }
    }

    /// <summary>
    /// Opens one without waiting for the agent's word once another one has been given: whoever reads or writes hears of a refusal.
    /// </summary>
    /// <exception cref="ApiException">As of <see cref="OpenAsync"/>, as are others.</exception>
    public async Task<ResumableStream> OpenEarlyAsync(ServiceRequest request, CancellationToken ct)
    {
        if (!Volatile.Read(ref _works))
            return await OpenAsync(request, ct);
        var (opening, followed) = (new Opening(), line.Follow());
        var (stream, accepted) = ResumableClient.OpenEarly(attempt => ConnectAsync(opening, attempt), Words(request), Options(followed));
        _ = stream.Ended.ContinueWith(_ => followed.End(), TaskScheduler.Default);
        _ = SayUntilAsync(accepted, opening);
        return stream;
    }

    /// <summary>Keeps lines open for streams to come, for who opens many; until cancelled.</summary>
    public Task KeepAheadAsync(CancellationToken ct) => _ahead.KeepAsync(ct);

    private async Task SayUntilAsync(Task accepted, Opening opening)
    {
        await using var moment = time.CreateTimer(_ => Say(opening), null, s_moment, Timeout.InfiniteTimeSpan);
        await accepted.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        opening.IsOver = true;
        line.EndWait();
    }

    private static byte[] Words(ServiceRequest request) => JsonSerializer.SerializeToUtf8Bytes(request, ServiceJson.Default.ServiceRequest);

    private ResumableOptions Options(LineReport.Followed followed) => followed.Tell(new ResumableOptions { Time = time });

    private void Say(Opening opening)
    {
        if (!opening.IsOver)
            line.Wait(opening.Cause?.Message);
    }

    private async Task<Stream> ConnectAsync(Opening opening, CancellationToken ct)
    {
        // A line that was opened ahead may have died since: it is tried once.
        if (opening.IsFirst() && _ahead.Take() is { } waiting)
            return waiting;
        try
        {
            var carrier = new TunnelStream(await client.ConnectAsync(sessionId, ct));
            opening.Cause = null;
            return carrier;
        }
        catch (ApiException e) when (!MayPass(e.Problem.Kind, opening.IsOver))
        {
            if (e.Problem.Kind is not ProblemCode.QuotaExceeded && _refused.TrySetException(e))
                _ = _refused.Task.Exception;
            throw;
        }
        catch (Exception e) when (e is ServerUnreachableException or ApiException)
        {
            opening.Cause = e;
            throw new IOException(e.Message, e);
        }
    }

    // A place that a lost line still holds is free again within seconds.
    private static bool MayPass(ProblemCode kind, bool again) =>
        kind is ProblemCode.Unavailable or ProblemCode.Internal or ProblemCode.TooManyRequests || (again && kind == ProblemCode.QuotaExceeded);

    /// <summary>What is known of a stream that is not open yet.</summary>
    private sealed class Opening
    {
        private volatile Exception? _cause;
        private volatile bool _isOver;
        private int _attempts;

        /// <summary>Why the last attempt failed; null: the server took it.</summary>
        public Exception? Cause { get => _cause; set => _cause = value; }

        /// <summary>Whether this is the first attempt.</summary>
        public bool IsFirst() => Interlocked.Increment(ref _attempts) == 1;

        /// <summary>It is open, or given up.</summary>
        public bool IsOver { get => _isOver; set => _isOver = value; }
    }
}
