using System.Collections.Concurrent;

namespace Berth.Server.Sessions.Reconcile;

/// <summary>Which providers can be reached; for the health page.</summary>
public sealed class ProviderHealth
{
    private readonly ConcurrentDictionary<string, string?> _providers = new();

    /// <summary>Provider instances with what is wrong; null where nothing is.</summary>
    public IReadOnlyDictionary<string, string?> All => _providers;

    /// <summary>It answered.</summary>
    public void Reached(string name) => _providers[name] = null;

    /// <summary>It did not.</summary>
    public void NotReached(string name, string why) => _providers[name] = why;
}
