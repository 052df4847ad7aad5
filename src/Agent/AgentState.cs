using System.Collections.Immutable;
using Berth.Contracts.Agents;

namespace Berth.Agent;

/// <summary>What the agent reports: one immutable record behind one reference, replaced at every change.</summary>
/// <param name="changed">Called after every change.</param>
internal sealed class AgentState(Action changed)
{
    public const string Preparing = "preparing", Starting = "starting", Ready = "ready";

    private AgentReport _report = new(Preparing, null, false, null, []);

    public AgentReport Report => Volatile.Read(ref _report);

    public void Update(Func<AgentReport, AgentReport> change)
    {
        AgentReport before, after;
        do
        {
            before = Report;
            after = change(before);
        }
        while (Interlocked.CompareExchange(ref _report, after, before) != before);
        changed();
    }

    public void Detail(string? detail)
    {
        if (Report.Detail != detail)
            Update(report => report with { Detail = detail });
    }

    /// <summary>Something went wrong that the session can live with.</summary>
    public void Notice(string notice) => Update(report => report with { Notices = report.Notices.ToImmutableArray().Add(notice) });
}
