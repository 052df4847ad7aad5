using Berth.Core.Providers;

namespace Berth.Server.Sessions.Reconcile;

/// <summary>Whether a loop's machine is there, as far as was seen. A provider that is no machine always is. Used by the loop alone.</summary>
public sealed class Presence(ISessionProvider provider)
{
    private readonly IMayBeAway? _machine = provider as IMayBeAway;

    // As of the last observation; null: it was there.
    private Absence? _absence;

    // It was asked what runs there since it came, or cannot be asked though it is there.
    private bool _looked;

    /// <summary>That it is away; null once it is back, though nothing is known of it yet: that it was lost is no news of what it is given now.</summary>
    public Absence? Absence => _absence is null ? null : _machine?.Absence;

    /// <summary>
    /// A machine that was lost may come back with a session that nobody wants any more, and whose gpus were given away: nothing
    /// that has gpus starts there before it was looked at, and what is left there removed, or not to be removed now. While it is
    /// away nothing starts in any case, which says why.
    /// </summary>
    public bool IsSettled(Reaper reaper) => _machine is null || ((_looked || _machine.Absence is not null) && reaper.IsIdle);

    /// <summary>It was observed.</summary>
    /// <returns>Whether that is news to all sessions.</returns>
    public bool Observed()
    {
        var news = _absence is not null || !_looked;
        (_absence, _looked) = (null, true);
        return news;
    }

    /// <summary>It could not be.</summary>
    /// <returns>Whether that is news to all sessions.</returns>
    public bool NotObserved()
    {
        _absence = _machine?.Absence;
        var news = _absence is not null || !_looked;
        _looked = _absence is null;
        return news;
    }
}
