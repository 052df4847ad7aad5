using System.Globalization;
using Berth.Core.Providers;
using Berth.Core.Sessions;
using Berth.Tunnel;

namespace Berth.Providers.Nodes;

/// <summary>The connection to one node, which comes and goes.</summary>
/// <param name="name">The node's.</param>
/// <param name="heard">When it was last heard of, before this link; null: never.</param>
/// <param name="grace">How long it may be away before what ran on it counts as lost.</param>
/// <param name="limits">What it may take of the server.</param>
/// <param name="time">Tells the time.</param>
public sealed class NodeLink(string name, DateTimeOffset? heard, TimeSpan grace, NodeLimits limits, TimeProvider time) : IDisposable
{
    // After a cut or a restart of the server, nodes are back within less than this: nobody need hear of it.
    private static readonly TimeSpan s_backWithin = TimeSpan.FromSeconds(10);

    private readonly Lock _lock = new();
    private readonly CancellationTokenSource _ended = new();
    private AgentTunnel? _tunnel;
    private TaskCompletionSource _arrival = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private DateTimeOffset _heard = heard ?? time.GetUtcNow();
    // A server that was away itself missed nobody meanwhile.
    private DateTimeOffset _missedSince = time.GetUtcNow();
    // Why the connection that was heard of last ended; null: that is not known here.
    private string? _cut;

    /// <summary>The node's name.</summary>
    public string Name => name;

    /// <summary>What it may take of the server.</summary>
    public NodeLimits Limits => limits;

    /// <summary>Tells the time.</summary>
    public TimeProvider Time => time;

    /// <summary>Whether it is connected now.</summary>
    public bool IsConnected
    {
        get
        {
            lock (_lock)
                return _tunnel is not null;
        }
    }

    /// <summary>When it was last heard of; while it is connected, when it was before.</summary>
    public DateTimeOffset Heard
    {
        get
        {
            lock (_lock)
                return _heard;
        }
    }

    /// <summary>That it is away, and since when; null while it is connected, or has just been.</summary>
    public Absence? Absence
    {
        get
        {
            lock (_lock)
            {
                return _tunnel is not null || time.GetUtcNow() - _missedSince < s_backWithin
                    ? null
                    : new Absence(NotHeardOf(), _missedSince + grace);
            }
        }
    }

    /// <summary>Cancelled once no connection is wanted any more: the node was removed, or the server stops.</summary>
    public CancellationToken Ended => _ended.Token;

    /// <summary>Ends the connection, for good.</summary>
    public void Dispose()
    {
        _ended.Cancel();
        lock (_lock)
            _tunnel?.Dispose();
        // Not disposed of: who is about to connect still asks it, and it holds nothing but memory.
    }

    /// <summary>It connected. Another connection that it has is over, even if that was not noticed yet.</summary>
    public void Enter(AgentTunnel tunnel)
    {
        lock (_lock)
        {
            _tunnel?.Dispose();
            _tunnel = tunnel;
            _arrival.TrySetResult();
        }
    }

    /// <summary>A connection of it ended.</summary>
    /// <param name="tunnel">Its streams.</param>
    /// <param name="why">Words that go on a sentence; null: nobody knows.</param>
    /// <returns>Whether it is away now.</returns>
    public bool Leave(AgentTunnel tunnel, string? why = null)
    {
        ArgumentNullException.ThrowIfNull(tunnel);
        tunnel.Dispose();
        lock (_lock)
        {
            if (_tunnel != tunnel)
                return false;
            (_tunnel, _cut) = (null, why);
            _heard = _missedSince = time.GetUtcNow();
            _arrival = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            return true;
        }
    }

    /// <summary>
    /// This server looks after it from now on, where another one did: what that one heard is known, and it may be away for as
    /// long as if it had been here.
    /// </summary>
    public void LookAfter(DateTimeOffset? lastHeard)
    {
        lock (_lock)
        {
            if (lastHeard > _heard)
                (_heard, _cut) = (lastHeard.Value, null);
            if (_tunnel is null)
                _missedSince = time.GetUtcNow();
        }
    }

    /// <summary>Waits until it is connected.</summary>
    public Task ConnectedAsync(CancellationToken ct)
    {
        lock (_lock)
            return _arrival.Task.WaitAsync(ct);
    }

    /// <summary>Opens a stream to it. Waits a moment for one that has just gone.</summary>
    /// <exception cref="ProviderException">It is away: <see cref="Reason.NodeAway"/>.</exception>
    public async Task<DuplexStream> DialAsync(CancellationToken ct)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(ct);
        limit.CancelAfter(limits.Dial);
        try
        {
            var tunnel = await TunnelAsync(limit.Token);
            return await tunnel.DialAsync(0, limit.Token);
        }
        catch (IOException e)
        {
            throw NotReached("the connection was lost", e);
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            throw NotReached($"it has not answered for {limits.Dial.TotalSeconds:0} s");
        }
    }

    /// <summary>The refusal of a call that did not come to its end.</summary>
    public ProviderException Broken(string why, Exception? inner = null) => new(Reason.NodeAway, $"{name}: {why}.", inner);

    private ProviderException NotReached(string why, Exception? inner = null) => new(Reason.NodeAway, $"{name}: {why}.", inner) { NothingBegun = true };

    private async Task<AgentTunnel> TunnelAsync(CancellationToken ct)
    {
        TimeSpan left;
        lock (_lock)
        {
            if (_tunnel is { } there)
                return there;
            left = s_backWithin - (time.GetUtcNow() - _missedSince);
        }

        if (left > TimeSpan.Zero)
            await ConnectedAsync(ct).WaitAsync(left, time, ct).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        ct.ThrowIfCancellationRequested();
        lock (_lock)
            return _tunnel ?? throw new ProviderException(Reason.NodeAway, NotHeardOf()) { NothingBegun = true };
    }

    private string NotHeardOf() => string.Create(CultureInfo.InvariantCulture, $"{name} has not been heard of since {_heard.UtcDateTime:yyyy-MM-dd HH:mm} UTC{(_cut is null ? "" : $": {_cut}")}.");
}
