using System.Runtime.InteropServices;
using System.Text;
using Berth.Agent.Unix;

namespace Berth.Agent;

/// <summary>
/// The end of the session's log, for a server that is away: a ring of 1 MB, in which each byte has its offset from the
/// begin of the log. All of it also goes to the agent's own output, which is the engine's log.
/// </summary>
/// <param name="changed">Called after every addition.</param>
internal sealed class LogBuffer(Action changed)
{
    public const int Capacity = 1024 * 1024;

    private readonly Lock _lock = new();
    private readonly ByteRing _ring = new(Capacity);
    private long _base;

    /// <summary>Offset of the first byte that is still here, and behind the last.</summary>
    public (long Start, long End) Range
    {
        get
        {
            lock (_lock)
                return (_base + _ring.Start, _base + _ring.End);
        }
    }

    /// <summary>A line of the agent's own.</summary>
    public void Say(string line) => Add(Encoding.UTF8.GetBytes($"berth: {line}\n"));

    public void Add(ReadOnlySpan<byte> bytes)
    {
        WriteOut(bytes);
        lock (_lock)
            _ring.Add(bytes);
        changed();
    }

    /// <summary>
    /// Lets the log go on behind what the server has of it already: an agent that was restarted within the same start of
    /// the session does not begin again at 0.
    /// </summary>
    public void ContinueFrom(long offset)
    {
        lock (_lock)
            _base = Math.Max(_base, offset);
    }

    /// <summary>Copies what is there from an offset on, or from the first byte that is still here.</summary>
    /// <returns>The offset of the first byte copied, and how many.</returns>
    public (long Offset, int Count) Read(long offset, Span<byte> into)
    {
        lock (_lock)
        {
            var (from, count) = _ring.Read(offset - _base, into);
            return (_base + from, count);
        }
    }

    private static unsafe void WriteOut(ReadOnlySpan<byte> bytes)
    {
        fixed (byte* start = bytes)
        {
            for (var done = 0; done < bytes.Length;)
            {
                var count = Native.write(1, start + done, (nuint)(bytes.Length - done));
                if (count > 0)
                    done += (int)count;
                else if (Marshal.GetLastPInvokeError() != Native.InterruptedCall)
                    return;
            }
        }
    }
}
