using System.Runtime.InteropServices;

namespace Berth.Server.Agents;

/// <summary>
/// Gives memory back to the system once a crowd of agents has come: each TLS handshake leaves holes in the C library's heap,
/// which it keeps by itself for ever, a tenth of what idle agents cost.
/// </summary>
public sealed partial class HeapTrim : IDisposable
{
    private const int Crowd = 200;
    private static readonly TimeSpan s_settled = TimeSpan.FromSeconds(10);

    private readonly Action _trim;
    private readonly ITimer _timer;
    private int _arrived;

    /// <param name="time">The clock.</param>
    /// <param name="trim">How memory is given back; null: by the C library.</param>
    public HeapTrim(TimeProvider time, Action? trim = null)
    {
        _trim = trim ?? Trim;
        _timer = time.CreateTimer(_ => Settled(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>An agent has connected.</summary>
    public void Arrived()
    {
        if (Interlocked.Increment(ref _arrived) >= Crowd)
            _timer.Change(s_settled, Timeout.InfiniteTimeSpan);
    }

    public void Dispose() => _timer.Dispose();

    private void Settled()
    {
        Interlocked.Exchange(ref _arrived, 0);
        _trim();
    }

    private static void Trim()
    {
        try
        {
            _ = malloc_trim(0);
        }
        catch (Exception e) when (e is DllNotFoundException or EntryPointNotFoundException)
        {
            // Another C library, with another heap.
        }
    }

    [LibraryImport("libc.so.6")]
    private static partial int malloc_trim(nuint pad);
}
