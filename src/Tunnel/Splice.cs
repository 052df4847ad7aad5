using System.Buffers;

namespace Berth.Tunnel;

/// <summary>
/// Copies bytes both ways between two streams, each direction at the pace of its reader: nothing is held but one buffer a
/// direction. An end is passed on as an end, an abort as an abort.
/// </summary>
public static class Splice
{
    // Most streams carry little and live long, some carry much: a buffer grows with what fills it.
    internal const int SmallBuffer = 8 * 1024;
    internal const int LargeBuffer = 128 * 1024;

    /// <summary>Returns once both directions have ended, whichever way. Does not dispose them.</summary>
    /// <exception cref="IOException">One was aborted; the other has been, too.</exception>
    public static async Task RunAsync(DuplexStream one, DuplexStream other, CancellationToken ct)
    {
        using var registration = ct.UnsafeRegister(_ => AbortBoth(), null);
        await Task.WhenAll(PassAsync(one, other), PassAsync(other, one));

        async Task PassAsync(DuplexStream from, DuplexStream to)
        {
            try
            {
                await CopyAsync(from, to, null, ct);
                await to.CompleteWritesAsync(ct);
            }
            catch
            {
                AbortBoth();
                throw;
            }
        }

        void AbortBoth()
        {
            one.Abort();
            other.Abort();
        }
    }

    /// <summary>Copies one direction to its end, which is not passed on.</summary>
    /// <param name="from">Read from.</param>
    /// <param name="to">Written to, and flushed.</param>
    /// <param name="passing">Sees the bytes before they are written, and may keep them waiting.</param>
    /// <param name="ct">Gives up.</param>
    public static async Task CopyAsync(Stream from, Stream to, Func<ReadOnlyMemory<byte>, ValueTask>? passing, CancellationToken ct)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(SmallBuffer);
        try
        {
            while (await from.ReadAsync(buffer, ct) is not 0 and var count)
            {
                var bytes = buffer.AsMemory(0, count);
                if (passing is not null)
                    await passing(bytes);
                await to.WriteAsync(bytes, ct);
                await to.FlushAsync(ct);
                buffer = Grow(buffer, count);
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>The buffer for what comes next, of the pool's as this one is, which goes back there if it was full.</summary>
    internal static byte[] Grow(byte[] buffer, int filled)
    {
        if (filled < buffer.Length || buffer.Length >= LargeBuffer)
            return buffer;
        ArrayPool<byte>.Shared.Return(buffer);
        return ArrayPool<byte>.Shared.Rent(Math.Min(buffer.Length * 4, LargeBuffer));
    }
}
