using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using Berth.Core.Sessions;

namespace Berth.Providers.Processes;

/// <summary>
/// Limits of a whole session by control groups, as far as the machine's systemd has handed them on to the user's: a scope a
/// session. Only for a node that is a service of the user's systemd itself, which ends what is its own with its user's last
/// login unless they linger: sessions of another node would not outlive that any more.
/// </summary>
/// <param name="program">Name of systemd-run on <c>PATH</c>, or its path.</param>
/// <param name="groups">File that tells the control groups of this program.</param>
/// <param name="time">Tells the time.</param>
internal sealed class Scopes(string program, string groups, TimeProvider time)
{
    private const int TriedProcesses = 32;
    private const string ReadBack = "cd \"/sys/fs/cgroup$(sed -n s/^0:://p /proc/self/cgroup)\" && cat memory.max cpu.max pids.max 2>/dev/null; :";
    private static readonly TimeSpan s_answersWithin = TimeSpan.FromSeconds(10);
    private static readonly SessionResources s_tried = new(0.5, 64L << 20, 0, GpuRequest.None);
    private static readonly Kept s_none = new(null, false, false, false);

    private Task<Kept>? _kept;

    /// <summary>Which limits are kept: asked for in a scope, and read there. What is not handed on is taken without a word.</summary>
    public Task<Kept> FindAsync() => _kept ??= TryAsync();

    private async Task<Kept> TryAsync()
    {
        if (!File.Exists(groups) || !(await File.ReadAllTextAsync(groups)).Contains("/user@", StringComparison.Ordinal))
            return s_none;
        var all = new Kept(program, true, true, true);
        string[] line = [.. all.Command(s_tried, TriedProcesses), "/bin/sh", "-c", ReadBack];
        try
        {
            using var process = Process.Start(new ProcessStartInfo(line[0], line[1..]) { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true })!;
            using var limit = new CancellationTokenSource(s_answersWithin, time);
            try
            {
                var complained = process.StandardError.ReadToEndAsync(limit.Token);
                var said = (await process.StandardOutput.ReadToEndAsync(limit.Token)).Split('\n');
                await complained;
                return new Kept(program, said.Contains($"{s_tried.MemoryBytes}"), said.Contains("50000 100000"), said.Contains($"{TriedProcesses}"));
            }
            catch (OperationCanceledException)
            {
                process.Kill();
                return s_none;
            }
        }
        catch (Win32Exception)
        {
            return s_none; // there is no systemd
        }
    }

    /// <summary>Limits that are kept.</summary>
    internal sealed record Kept(string? Program, bool Memory, bool Processor, bool Processes)
    {
        /// <summary>Such as "memory, processes"; empty: none.</summary>
        public string Words => string.Join(", ", new[] { Memory ? "memory" : null, Processor ? "processor" : null, Processes ? "processes" : null }.OfType<string>());

        /// <summary>What a command is begun with to be limited with all that it begins; nothing where no limit is kept.</summary>
        public IEnumerable<string> Command(SessionResources resources, int processes) => Words.Length == 0 ? [] :
        [
            Program!, "--user", "--scope", "--quiet", "--collect", $"--property=MemoryMax={resources.MemoryBytes}", "--property=MemorySwapMax=0",
            string.Create(CultureInfo.InvariantCulture, $"--property=CPUQuota={Math.Max(1, Math.Round(resources.Cpu * 100))}%"), $"--property=TasksMax={processes}", "--",
        ];
    }
}
