using System.Runtime.InteropServices;
using Berth.Cli.Servers;

namespace Berth.Cli.Reach;

/// <summary>Standard input as it is. The console's own stream edits and echoes lines where it is a terminal.</summary>
internal sealed unsafe class InputDescriptor(int fd) : Stream
{
    private const int Interrupted = 4, TryAgain = 11;

    public override bool CanRead => true;
    public override bool CanSeek => false;
    public override bool CanWrite => false;
    public override long Length => throw new NotSupportedException();
    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    public override int Read(Span<byte> buffer)
    {
        fixed (byte* start = buffer)
        {
            while (true)
            {
                var count = Libc.read(fd, start, buffer.Length);
                if (count >= 0)
                    return (int)count;
                var error = Marshal.GetLastPInvokeError();
                var poll = new Libc.PollFd { Fd = fd, Events = Libc.PollIn };
                if (error == TryAgain)
                    _ = Libc.poll(&poll, 1, -1);
                else if (error != Interrupted)
                    throw new IOException(Marshal.GetPInvokeErrorMessage(error));
            }
        }
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));
    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
    public override void SetLength(long value) => throw new NotSupportedException();
    public override void Flush() { }
}
