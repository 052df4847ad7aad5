using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Berth.Core.Providers;
using Berth.Core.Sessions;

namespace Berth.Fakes;

/// <summary>
/// Compute without an engine: keeps what was started, in memory, and obeys the provider contract. A test plays the foreign
/// system's part through it: kills, loses, refuses, is away, is slow.
/// </summary>
public sealed class FakeCompute : ISessionProvider, IChangeSource, IWorkspaceSizes, IWorkspaceList
{
    private readonly ConcurrentDictionary<SessionKey, Observation> _running = new();
    private readonly ConcurrentDictionary<Channel<SessionKey>, byte> _watchers = new();
    private int _observations;
    private int _measurements;

    /// <summary>Workspaces that exist.</summary>
    public ConcurrentDictionary<string, byte> Workspaces { get; } = new();

    /// <summary>Bytes that a workspace is said to hold, by its id.</summary>
    public ConcurrentDictionary<string, long> Sizes { get; } = new();

    /// <summary>How often workspaces were measured.</summary>
    public int Measurements => _measurements;

    /// <summary>Orders that were accepted, in order, repeated ones included.</summary>
    public ConcurrentQueue<StartOrder> Orders { get; } = new();

    /// <summary>How often everything was observed.</summary>
    public int Observations => _observations;

    /// <summary>How many listen to changes: one for each loop that runs.</summary>
    public int Watchers => _watchers.Count;

    /// <summary>Every verb fails with this while it is set.</summary>
    public ProviderException? Away { get; set; }

    /// <summary>The next start is refused with this.</summary>
    public ProviderException? Refusal { get; set; }

    /// <summary>Called inside each start, before it is accepted; may wait.</summary>
    public Func<StartOrder, IProgress<StageReport>, CancellationToken, Task>? OnStart { get; set; }

    /// <summary>Called inside each stop, before anything is stopped; may wait.</summary>
    public Func<SessionKey, CancellationToken, Task>? OnStop { get; set; }

    /// <summary>What exists now.</summary>
    public IReadOnlyCollection<SessionKey> Keys => [.. _running.Keys];

    public Task<ImageFinding> FindImageAsync(ImageQuery query, CancellationToken ct) =>
        Away is { } away ? throw away : Task.FromResult(new ImageFinding(true, true, ["linux/amd64"]));

    public async Task StartAsync(StartOrder order, IProgress<StageReport> progress, CancellationToken ct)
    {
        if (OnStart is { } hook)
            await hook(order, progress, ct);
        if (Away is { } away)
            throw away;
        if (Refusal is { } refusal)
        {
            Refusal = null;
            throw refusal;
        }

        if (_running.Keys.Any(k => k.SessionId == order.Key.SessionId && k.Generation > order.Key.Generation))
            throw new ProviderException(Reason.Refused, "A newer start of this session runs.");
        foreach (var older in _running.Keys.Where(k => k.SessionId == order.Key.SessionId && k.Generation < order.Key.Generation))
            _running.TryRemove(older, out _);
        Orders.Enqueue(order);
        Workspaces[order.WorkspaceName] = 0;
        _running.TryAdd(order.Key, new Observation(order.Key, ForeignState.Running, "running"));
        Tell(order.Key);
    }

    public async IAsyncEnumerable<Observation> ObserveAsync([EnumeratorCancellation] CancellationToken ct)
    {
        Interlocked.Increment(ref _observations);
        if (Away is { } away)
            throw away;
        await Task.Yield();
        foreach (var observation in _running.Values)
            yield return observation;
    }

    public async Task StopAsync(SessionKey key, StopMode mode, CancellationToken ct)
    {
        if (OnStop is { } hook)
            await hook(key, ct);
        if (Away is { } away)
            throw away;
        _running.TryRemove(key, out _);
        if (mode.Deletes)
            Workspaces.TryRemove(SessionKey.NameOfWorkspace(mode.Workspace ?? key.SessionId), out _);
        Tell(key);
    }

    public async IAsyncEnumerable<SessionKey> WatchAsync([EnumeratorCancellation] CancellationToken ct)
    {
        var channel = Channel.CreateUnbounded<SessionKey>();
        _watchers[channel] = 0;
        try
        {
            await foreach (var key in channel.Reader.ReadAllAsync(ct))
                yield return key;
        }
        finally
        {
            _watchers.TryRemove(channel, out _);
        }
    }

    public Task<IReadOnlyDictionary<string, long>> MeasureAsync(CancellationToken ct)
    {
        Interlocked.Increment(ref _measurements);
        return Away is { } away ? throw away : Task.FromResult<IReadOnlyDictionary<string, long>>(new Dictionary<string, long>(Sizes));
    }

    public Task<IReadOnlyList<KeptWorkspace>> ListWorkspacesAsync(CancellationToken ct) => Away is { } away
        ? throw away
        : Task.FromResult<IReadOnlyList<KeptWorkspace>>([.. Workspaces.Keys.Select(name => new KeptWorkspace(name["berth-".Length..].ToUpperInvariant()))]);

    /// <summary>Something is there that Berth did not start, or started and forgot.</summary>
    public void Plant(SessionKey key)
    {
        _running[key] = new Observation(key, ForeignState.Running, "running");
        Tell(key);
    }

    /// <summary>The foreign system shows a session in another state.</summary>
    public void Show(SessionKey key, Func<Observation, Observation> change)
    {
        _running.AddOrUpdate(key, k => throw new InvalidOperationException($"{k} is not there."), (_, now) => change(now));
        Tell(key);
    }

    /// <summary>The foreign system loses a session without a word but "something changed".</summary>
    public void Lose(SessionKey key)
    {
        _running.TryRemove(key, out _);
        Tell(key);
    }

    private void Tell(SessionKey key)
    {
        foreach (var watcher in _watchers.Keys)
            watcher.Writer.TryWrite(key);
    }
}
