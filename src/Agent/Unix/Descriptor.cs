using System.ComponentModel;
using System.Runtime.InteropServices;
using Berth.Tunnel.Polling;

namespace Berth.Agent.Unix;

/// <summary>
/// This program's end of a pipe or a terminal, read or written without holding a thread. One reader or one writer at a time;
/// what is read or written after it was disposed is the end.
/// </summary>
internal sealed class Descriptor : IPolled, IDisposable
{
    // What a pipe or a terminal can hold, and more: what comes behind it was said after the end.
    private const int MostHeld = 1 << 20;

    // A number that was closed may be another file's a moment later.
    private readonly Lock _lock = new();
    private readonly int _fd;
    private TaskCompletionSource? _waiter;
    private bool _closed;
    private int _readAfterEnd;

    /// <summary>Takes a descriptor over.</summary>
    public Descriptor(int fd)
    {
        _fd = fd;
        // That of this end alone: the other one has its own.
        _ = Native.fcntl(fd, Native.SetStatusFlags, Native.NonBlocking);
        // The kernel tells of a broken pipe unasked, and would for ever: once.
        Poller.Shared.Add(fd, PollEvents.Once, this);
    }

    /// <summary>A pipe: this program's end of it, and the process's, which is closed here once the process has it.</summary>
    /// <exception cref="Win32Exception">Out of descriptors.</exception>
    public static unsafe (Descriptor Own, int Theirs) Pipe(bool read)
    {
        var ends = stackalloc int[2];
        if (Native.pipe2(ends, Native.CloseOnExec) != 0)
            throw new Win32Exception(Marshal.GetLastPInvokeError());
        return read ? (new Descriptor(ends[0]), ends[1]) : (new Descriptor(ends[1]), ends[0]);
    }

    /// <summary>Reads what is there, or waits for some.</summary>
    /// <param name="buffer">Filled from its begin.</param>
    /// <param name="over">
    /// Once it has completed nothing more is waited for: what is there is read, though something that it left behind may
    /// write on for ever.
    /// </param>
    /// <returns>How many bytes; 0: the end.</returns>
    public async ValueTask<int> ReadAsync(Memory<byte> buffer, Task over)
    {
        while (true)
        {
            var last = over.IsCompleted;
            if (last && _readAfterEnd >= MostHeld)
                return 0;
            if (TryRead(buffer) is { } count)
            {
                _readAfterEnd += last ? count : 0;
                return count;
            }
            if (last)
                return 0;
            await Task.WhenAny(ReadyAsync(PollEvents.Readable), over);
        }
    }

    /// <summary>Writes all, and waits while nobody reads.</summary>
    /// <exception cref="IOException">Nobody will.</exception>
    public async ValueTask WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken ct)
    {
        while (bytes.Length > 0)
        {
            if (TryWrite(bytes) is { } count)
                bytes = bytes[count..];
            else
                await ReadyAsync(PollEvents.Writable).WaitAsync(ct);
        }
    }

    public void Dispose()
    {
        lock (_lock)
        {
            if (_closed)
                return;
            _closed = true;
            Poller.Shared.Remove(_fd);
            Native.close(_fd);
        }
        Ready(PollEvents.HungUp);
    }

    public void Ready(PollEvents events) => Interlocked.Exchange(ref _waiter, null)?.TrySetResult();

    private Task ReadyAsync(PollEvents events)
    {
        lock (_lock)
        {
            if (_closed)
                return Task.CompletedTask;
            var waiter = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _waiter = waiter;
            Poller.Shared.Change(_fd, events | PollEvents.Once);
            return waiter.Task;
        }
    }

    private unsafe int? TryRead(Memory<byte> buffer)
    {
        using var pin = buffer.Pin();
        var count = Try(&Native.read, pin.Pointer, buffer.Length, out var trouble);
        return trouble is null ? count : 0; // EIO: nobody has the other side of the terminal any more
    }

    private unsafe int? TryWrite(ReadOnlyMemory<byte> bytes)
    {
        using var pin = bytes.Pin();
        var count = Try(&Native.write, pin.Pointer, bytes.Length, out var trouble);
        return trouble is null ? count : throw new IOException(trouble);
    }

    /// <returns>How many bytes; null: none now, or for the trouble none any more.</returns>
    private unsafe int? Try(delegate*<int, byte*, nuint, nint> call, void* bytes, int length, out string? trouble)
    {
        trouble = null;
        lock (_lock)
        {
            while (!_closed)
            {
                var count = call(_fd, (byte*)bytes, (nuint)length);
                if (count >= 0)
                    return (int)count;
                switch (Marshal.GetLastPInvokeError())
                {
                    case Native.InterruptedCall:
                        break;
                    case Native.TryAgain:
                        return null;
                    case var error:
                        trouble = Native.Words(error);
                        return null;
                }
            }
        }
        trouble = "It was closed.";
        return null;
    }
}
