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
    private readonly byte[] _ring = new byte[Capacity];
    private long _base;
    private long _written;

    /// <summary>Offset of the first byte that is still here, and behind the last.</summary>
    public (long Start, long End) Range
    {
        get
        {
            lock (_lock)
                return (_base + Math.Max(0, _written - Capacity), _base + _written);
        }
    }

    /// <summary>A line of the agent's own.</summary>
    public void Say(string line) => Add(Encoding.UTF8.GetBytes($"berth: {line}\n"));

    public void Add(ReadOnlySpan<byte> bytes)
    {
        WriteOut(bytes);
        lock (_lock)
        {
            while (bytes.Length > 0)
            {
                var at = (int)(_written % Capacity);
                var count = Math.Min(bytes.Length, Capacity - at);
                bytes[..count].CopyTo(_ring.AsSpan(at));
                bytes = bytes[count..];
                _written += count;
            }
        }
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
            var from = Math.Max(offset - _base, Math.Max(0, _written - Capacity));
            var count = (int)Math.Clamp(_written - from, 0, into.Length);
            var start = (int)(from % Capacity);
            var first = Math.Min(count, Capacity - start);
            _ring.AsSpan(start, first).CopyTo(into);
            _ring.AsSpan(0, count - first).CopyTo(into[first..]);
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
