using System.ComponentModel;
using System.Runtime.InteropServices;

namespace Berth.Agent.Unix;

/// <summary>A pipe that children write to, and a thread that hands on what they wrote.</summary>
internal sealed unsafe class OutputPipe
{
    /// <summary>Handed on as it comes; valid during the call.</summary>
    public delegate void Received(ReadOnlySpan<byte> bytes);

    private const int BufferBytes = 64 * 1024;
    private readonly TaskCompletionSource _drained = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly int _readEnd;
    private int _writeEnd;

    /// <exception cref="Win32Exception">Out of descriptors.</exception>
    public OutputPipe(Received received)
    {
        var ends = stackalloc int[2];
        if (Native.pipe2(ends, Native.CloseOnExec) != 0)
            throw new Win32Exception(Marshal.GetLastPInvokeError());
        (_readEnd, _writeEnd) = (ends[0], ends[1]);
        new Thread(() => Pump(received)) { IsBackground = true, Name = "output" }.Start();
    }

    /// <summary>What a child gets as its output.</summary>
    public int WriteEnd => _writeEnd;

    /// <summary>Completes once every process that holds the pipe has closed it, and all was handed on.</summary>
    public Task Drained => _drained.Task;

    /// <summary>Gives up the writing end here; to be called once the child has it.</summary>
    public void CloseWriteEnd()
    {
        if (Interlocked.Exchange(ref _writeEnd, -1) is >= 0 and var end)
            Native.close(end);
    }

    private void Pump(Received received)
    {
        var buffer = new byte[BufferBytes];
        fixed (byte* start = buffer)
        {
            while (true)
            {
                var count = Native.read(_readEnd, start, BufferBytes);
                if (count > 0)
                    received(new ReadOnlySpan<byte>(start, (int)count));
                else if (count == 0 || Marshal.GetLastPInvokeError() != Native.InterruptedCall)
                    break;
            }
        }
        Native.close(_readEnd);
        _drained.SetResult();
    }
}
