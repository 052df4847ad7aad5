using System.Runtime.InteropServices;
using Berth.Cli.Servers;

namespace Berth.Cli.Reach;

/// <summary>
/// Standard output or error as it is. The console's own stream says nothing when nobody reads any more, and a command would
/// run on for nobody; a file's would keep a position of its own, and write over what others write there.
/// </summary>
internal sealed unsafe class OutputDescriptor(int fd) : Stream
{
    private const int Interrupted = 4, TryAgain = 11, BrokenPipe = 32;
    private const short Writable = 4;

    public override bool CanRead => false;
    public override bool CanSeek => false;
    public override bool CanWrite => true;
    public override long Length => throw new NotSupportedException();
    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    /// <summary>Whether a write failed because nobody reads any more.</summary>
    public static bool IsUnread(IOException e) => e.HResult == BrokenPipe;

    /// <exception cref="IOException">Nobody reads it, or the disk is full.</exception>
    public override void Write(ReadOnlySpan<byte> buffer)
    {
        fixed (byte* start = buffer)
        {
            for (nint done = 0; done < buffer.Length;)
            {
                var count = Libc.write(fd, start + done, buffer.Length - done);
                if (count >= 0)
                    done += count;
                else
                    WaitOrThrow(Marshal.GetLastPInvokeError());
            }
        }
    }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));
    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
    public override void SetLength(long value) => throw new NotSupportedException();
    public override void Flush() { }

    private void WaitOrThrow(int error)
    {
        // Whoever shares the terminal may have made it non-blocking.
        var poll = new Libc.PollFd { Fd = fd, Events = Writable };
        if (error == TryAgain)
            _ = Libc.poll(&poll, 1, -1);
        else if (error != Interrupted)
            throw new IOException(Marshal.GetPInvokeErrorMessage(error), error);
    }
}
