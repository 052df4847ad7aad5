using System.Collections.Immutable;
using Berth.Core.Providers;

namespace Berth.Server.Sessions.Reconcile;

/// <summary>A provider by name.</summary>
/// <param name="Name">As sessions and leases name it.</param>
/// <param name="Provider">What is asked.</param>
/// <param name="AgentsByNetwork">Its sessions run on other machines, whose agents come to the public address.</param>
public sealed record ProviderInstance(string Name, ISessionProvider Provider, bool AgentsByNetwork = false)
{
    /// <summary>What people call it.</summary>
    public string Title { get; init; } = Name;

    /// <summary>Called when this server has taken its lease, before anything is decided; null: nothing is to be done.</summary>
    public Func<CancellationToken, Task>? Taken { get; init; }

    /// <summary>What else who holds its lease does, for as long as it is held; null: nothing.</summary>
    public Func<Lease, CancellationToken, Task>? Beside { get; init; }
}

/// <summary>All provider instances: those that are configured, and machines, which join and are removed while the server runs.</summary>
public sealed class ProviderInstances(IEnumerable<ProviderInstance> configured)
{
    private ImmutableList<ProviderInstance> _all = [.. configured];

    /// <summary>One was added or removed. Raised after readers see it.</summary>
    public event Action? Changed;

    /// <summary>The configured ones first.</summary>
    public IReadOnlyList<ProviderInstance> All => _all;

    /// <summary>One by name; null: there is none (any more).</summary>
    public ProviderInstance? Find(string name) => _all.Find(i => i.Name == name);

    public void Add(ProviderInstance instance)
    {
        ImmutableInterlocked.Update(ref _all, (all, one) => all.Add(one), instance);
        Changed?.Invoke();
    }

    public void Remove(string name)
    {
        ImmutableInterlocked.Update(ref _all, (all, gone) => all.RemoveAll(i => i.Name == gone), name);
        Changed?.Invoke();
    }
}
