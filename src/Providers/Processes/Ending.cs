using System.Globalization;
using System.Runtime.InteropServices;
using Berth.Core.Providers;
using Berth.Core.Sessions;
using Berth.Providers.SessionFolders;

namespace Berth.Providers.Processes;

/// <summary>Ends runs, whoever began them.</summary>
internal sealed partial class Ending(SessionFolder folder, TimeProvider time)
{
    private const int Terminate = 15, Kill = 9;
    private static readonly TimeSpan s_look = TimeSpan.FromMilliseconds(20), s_beginsWithin = TimeSpan.FromSeconds(20), s_killWithin = TimeSpan.FromSeconds(10), s_hearsWithin = TimeSpan.FromSeconds(2), s_afterGrace = TimeSpan.FromSeconds(5);

    /// <summary>Waits for one that is being started, perhaps by a node that was killed meanwhile.</summary>
    /// <returns>Whether it has a first process, or is not being started; false: none comes.</returns>
    public async Task<bool> BeginsAsync(Run run, CancellationToken ct)
    {
        for (var asked = time.GetTimestamp(); run.IsHeld() && run.Read().Process is null;)
        {
            if (time.GetElapsedTime(asked) > s_beginsWithin)
                return false;
            await Task.Delay(s_look, time, ct); // nothing tells of a line in a file that a process of ours would not miss
        }

        return true;
    }

    /// <summary>Asks the first process to end, and ends it where it does not; what is in its namespace ends with it.</summary>
    public async Task EndAsync(Run run, CancellationToken ct)
    {
        if (!await BeginsAsync(run, ct))
        {
            if (run.Launcher is not { } launcher || !await SignalAsync(run, -launcher, Kill, s_killWithin, ct))
                throw new ProviderException(Reason.Refused, $"{run.Key} is being started, does not begin, and does not end.");
        }
        else if (run.IsHeld() && run.Read() is { Process: { } process, ExitCode: null })
        {
            await HearsAsync(process, ct);
            var grace = TimeSpan.FromSeconds(folder.Read(run.Key.SessionId)?.GraceSeconds ?? 10) + s_afterGrace;
            if (!await SignalAsync(run, process, Terminate, grace, ct) && !await SignalAsync(run, process, Kill, s_killWithin, ct))
                throw new ProviderException(Reason.Refused, $"process {process} of {run.Key} does not end.");
        }

        run.Delete();
    }

    /// <summary>Ends the launcher of a start with all that it has started.</summary>
    public static void KillGroup(int launcher) => _ = SendSignal(-launcher, Kill);

    /// <summary>
    /// Waits a moment for one that has only just begun: the first process of a namespace gets no signal that it has not asked
    /// for (pid_namespaces(7)).
    /// </summary>
    private async Task HearsAsync(int process, CancellationToken ct)
    {
        for (var begun = time.GetTimestamp(); time.GetElapsedTime(begun) < s_hearsWithin && Caught(process) is { } caught && (caught >> (Terminate - 1) & 1) == 0;)
            await Task.Delay(s_look, time, ct);
    }

    /// <returns>The signals that a process handles, a bit each (proc(5)); null: it is not there.</returns>
    private static ulong? Caught(int process)
    {
        try
        {
            var line = File.ReadLines($"/proc/{process}/status").FirstOrDefault(line => line.StartsWith("SigCgt:", StringComparison.Ordinal));
            return line is null ? null : ulong.Parse(line.AsSpan("SigCgt:".Length).Trim(), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
        }
        catch (IOException)
        {
            return null;
        }
    }

    /// <param name="run">Whose it is.</param>
    /// <param name="process">Its number; a group's, negated.</param>
    /// <param name="signal">Which.</param>
    /// <param name="within">How long it has.</param>
    /// <param name="ct">Cancels.</param>
    /// <returns>Whether it has ended.</returns>
    private async Task<bool> SignalAsync(Run run, int process, int signal, TimeSpan within, CancellationToken ct)
    {
        // While the lock is held the number is the session's: bubblewrap has not reaped it.
        _ = SendSignal(process, signal); // one that has just ended takes none
        var begun = time.GetTimestamp();
        while (run.IsHeld())
        {
            if (time.GetElapsedTime(begun) > within)
                return false;
            await Task.Delay(s_look, time, ct); // a lock that is let go of tells nobody
        }

        return true;
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int SendSignal(int process, int signal);
}
