using Berth.Providers.Nodes;
using Berth.Server.Connections;

namespace Berth.Server.Nodes;

/// <summary>Connections that nodes begin and on which they have not said who they are: few of each node, and for a while.</summary>
internal sealed class NodeDoor(NodeLimits limits, TimeProvider clock)
{
    private readonly Lock _lock = new();
    private readonly Places _waiting = new(limits.SilentConnections);
    private readonly Dictionary<string, long> _lastIn = [];

    /// <summary>Takes a place; dispose it once it is known what becomes of the connection. Null: there is none.</summary>
    public IDisposable? Knock(string node) => _waiting.Take(node);

    /// <summary>Waits until one more connection of the node may come in.</summary>
    public Task PaceAsync(string node, CancellationToken ct)
    {
        TimeSpan wait;
        lock (_lock)
        {
            wait = _lastIn.TryGetValue(node, out var last) ? limits.Pause - clock.GetElapsedTime(last) : TimeSpan.Zero;
            _lastIn[node] = clock.GetTimestamp();
        }

        return wait > TimeSpan.Zero ? Task.Delay(wait, clock, ct) : Task.CompletedTask;
    }
}
