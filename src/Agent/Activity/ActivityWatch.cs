using Berth.Contracts.Agents;

namespace Berth.Agent.Activity;

/// <summary>
/// Looks twice a minute at what the session is in use by, and tells: while there is use, and once when there is no more. What
/// a visitor does reaches the server before it reaches this, so it is watched there.
/// </summary>
internal sealed class ActivityWatch(Kernels kernels, Gpus gpus, Func<bool> commandRuns, Func<bool> copies, AgentState state, Action<AgentActivity> tell, TimeProvider time)
{
    // Below it a session cannot be told from one that does nothing: this program and its front end are never quite still.
    private const double UsedCores = 0.005;
    private const int UsualSeconds = 30;

    public async Task RunAsync(int everySeconds, CancellationToken over)
    {
        try
        {
            using var timer = new PeriodicTimer(TimeSpan.FromSeconds(everySeconds > 0 ? everySeconds : UsualSeconds), time);
            var (before, since, told) = (Seconds(ProcessTable.Read()), time.GetTimestamp(), true);
            while (await timer.WaitForNextTickAsync(over))
            {
                var processes = ProcessTable.Read();
                var (now, seconds) = (Seconds(processes), time.GetElapsedTime(since).TotalSeconds);
                var activity = new AgentActivity((now - before) / seconds, seconds, await UsesAsync(processes, over));
                (before, since) = (now, time.GetTimestamp());
                var used = activity.CpuCores > UsedCores || activity.Uses is not [];
                if (used || told)
                    tell(activity);
                told = used;
            }
        }
        catch (OperationCanceledException)
        {
            // The session is over.
        }
    }

    private async Task<IReadOnlyList<string>> UsesAsync(IReadOnlyList<SeenProcess> processes, CancellationToken ct)
    {
        List<string> uses = [];
        if (await gpus.AreBusyAsync(ct))
            uses.Add(AgentActivity.Gpu);
        if (state.Report.Ready && await kernels.AreBusyAsync(ct))
            uses.Add(AgentActivity.Kernel);
        // A command that a client runs without a terminal is one all the same.
        if (commandRuns() || Terminals.RunCommand(processes, ProcessTable.CommandLine))
            uses.Add(AgentActivity.Terminal);
        if (copies())
            uses.Add(AgentActivity.Copy);
        return uses;
    }

    // A process that ended is counted in its parent, so the sum over all that live misses nobody.
    private static double Seconds(IReadOnlyList<SeenProcess> processes) => processes.Sum(process => process.Seconds);
}
