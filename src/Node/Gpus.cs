using System.ComponentModel;
using System.Diagnostics;
using Berth.Contracts.Nodes;
using Berth.Core.Providers;
using Berth.Core.Queues;
using Berth.Core.Sessions;

namespace Berth.Node;

/// <summary>What a machine's gpus are and who uses them, at one moment.</summary>
/// <param name="Gpus">Those that were seen.</param>
/// <param name="Problem">What is wrong, in a sentence; null: nothing.</param>
internal sealed record GpuSight(IReadOnlyList<NodeGpu> Gpus, string? Problem = null)
{
    /// <summary>Which there are cannot be told.</summary>
    public bool Unknown => Problem is not null && Gpus.Count == 0;
}

/// <summary>
/// Asks <c>nvidia-smi</c>, one question at a time. Where it fails or hangs, nothing is known, which is not the same as no
/// gpus. One that hangs in its driver cannot be killed: as long as it is there, no other is begun.
/// </summary>
internal sealed class Gpus(TimeProvider time) : IDisposable
{
    private const string Name = "nvidia-smi";
    private const int NoSuchFile = 2; // ENOENT, <errno.h>
    private const int NothingFound = 6; // of nvidia-smi: "a query to find an object was unsuccessful"
    private const int LongestSaid = 200;
    private static readonly HashSet<int> s_nobody = [];

    private readonly SemaphoreSlim _turn = new(1);
    private Process? _hanging;

    /// <summary>Where it is; by default on the path.</summary>
    public string Program { get; init; } = Name;

    /// <summary>How long it may take to answer.</summary>
    public TimeSpan Within { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long a gpu may seem to be in use after the last who used it has gone.</summary>
    public TimeSpan Settles { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>How one that does not answer is ended.</summary>
    public Action<Process> Kill { get; init; } = static process => process.Kill();

    /// <summary>Which there are, and which of them are in use. Does not throw for what goes wrong with it.</summary>
    public async Task<GpuSight> LookAsync(CancellationToken ct)
    {
        await _turn.WaitAsync(ct);
        try
        {
            var gpus = await AskAsync($"--query-gpu={GpuReport.GpuFields}", ct);
            if (gpus.Why is { } why)
                return new([], $"Which gpus it has cannot be told: {why}");
            if (gpus.Said is null)
                return new([]);
            var processes = await AskAsync($"--query-compute-apps={GpuReport.ProcessFields}", ct);
            var report = GpuReport.Parse(gpus.Said, processes.Said);
            // Which of them work for Berth's sessions the server knows, for it gave them out.
            var busy = report.NotFree(report.Gpus.Select(g => g.Uuid), s_nobody);
            return new(
                [.. report.Gpus.Select(g => new NodeGpu(g.Index, g.Uuid, g.Name, g.MemoryMiB, busy.Contains(g.Uuid)))],
                processes.Why is { } unclear ? $"Who uses its gpus cannot be told: {unclear}" : null);
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>What was told last may be old: looks again before they are given to a session.</summary>
    /// <exception cref="ProviderException">One of them is in use, or cannot be seen.</exception>
    public async Task RequireFreeAsync(IReadOnlyList<string> ids, CancellationToken ct)
    {
        var (sight, taken) = await TakenAsync(ids, ct);
        if (taken is not null && !sight.Unknown)
        {
            // What it says of use is of the last moments, in which another session may have had it.
            await Task.Delay(Settles, time, ct);
            (sight, taken) = await TakenAsync(ids, ct);
        }

        if (taken is not null)
            throw new ProviderException(Reason.NoCapacity, sight.Problem ?? $"the gpu {taken} is in use there, by somebody outside Berth.");
    }

    public void Dispose()
    {
        _turn.Dispose();
        _hanging?.Dispose();
    }

    private async Task<(GpuSight Sight, string? Taken)> TakenAsync(IReadOnlyList<string> ids, CancellationToken ct)
    {
        var sight = await LookAsync(ct);
        return (sight, ids.FirstOrDefault(id => !sight.Gpus.Any(g => g.Id == id && !g.Busy)));
    }

    private async Task<Answer> AskAsync(string question, CancellationToken ct)
    {
        if (_hanging is { HasExited: false })
            return Answer.Failed($"{Name} hangs and cannot be ended. Its driver hangs: restart the machine.");
        _hanging?.Dispose();
        _hanging = null;
        var start = new ProcessStartInfo(Program, [question, "--format=csv,noheader,nounits"]) { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true };
        try
        {
            return await AnswerAsync(Process.Start(start)!, ct);
        }
        catch (Win32Exception e)
        {
            return e.NativeErrorCode == NoSuchFile ? Answer.None : Answer.Failed($"{Name} cannot be run: {e.Message}.");
        }
    }

    private async Task<Answer> AnswerAsync(Process process, CancellationToken ct)
    {
        using var limit = new CancellationTokenSource(Within, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(ct, limit.Token);
        try
        {
            var error = process.StandardError.ReadToEndAsync(either.Token);
            var said = await process.StandardOutput.ReadToEndAsync(either.Token);
            var complaint = await error;
            await process.WaitForExitAsync(either.Token);
            var code = process.ExitCode;
            process.Dispose();
            return code switch
            {
                0 => new Answer(said, null),
                NothingFound => Answer.None,
                _ => Answer.Failed($"{Name} fails ({FirstLine(said + complaint) ?? $"exit code {code}"})."),
            };
        }
        catch (OperationCanceledException)
        {
            _hanging = process;
            Kill(process);
            ct.ThrowIfCancellationRequested();
            return Answer.Failed($"{Name} has not answered for {Within.TotalSeconds:0.##} s.");
        }
    }

    private static string? FirstLine(string text)
    {
        var line = text.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).FirstOrDefault()?.TrimEnd('.');
        return line?.Length > LongestSaid ? line[..LongestSaid] : line;
    }

    /// <param name="Said">What it said; null: it did not, or there are no gpus.</param>
    /// <param name="Why">Why it did not, in a sentence; null: nothing is wrong.</param>
    private sealed record Answer(string? Said, string? Why)
    {
        public static Answer None { get; } = new(null, null);

        public static Answer Failed(string why) => new(null, why);
    }
}
