using System.Net.Sockets;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Berth.Tunnel.Polling;

/// <summary>
/// Moves what one socket has received to another by way of a pipe (splice(2)): the kernel hands its pages on, and nothing is
/// copied. Not safe for several threads at once.
/// </summary>
internal sealed unsafe partial class KernelPipe : IDisposable
{
    private const string C = "libc.so.6";
    private const int CloseOnExec = 0x80000, NonBlocking = 0x800, SetSize = 1031, SizeOf = 1032;
    private const uint Move = 1, WithoutWaiting = 2;
    private const int TryAgain = 11;
    private const int Wanted = 256 * 1024;
    // What a pipe has by default. Users who have very many get smaller ones, and those are slower than a copy.
    private const int Least = 64 * 1024;
    private static readonly Lazy<bool> s_works = new(TryOut);

    private readonly SafeFileHandle _end;
    private readonly SafeFileHandle _begin;

    private KernelPipe(int end, int begin) => (_end, _begin) = (new SafeFileHandle(end, ownsHandle: true), new SafeFileHandle(begin, ownsHandle: true));

    /// <summary>Bytes in it.</summary>
    public int Held { get; private set; }

    /// <summary>Opens one; null where the system has none, or does not move bytes between sockets.</summary>
    public static KernelPipe? TryOpen() => s_works.Value ? TryMake() : null;

    /// <summary>Puts some bytes in, fewer than it holds when it is empty.</summary>
    public void Put(ReadOnlySpan<byte> bytes)
    {
        fixed (byte* first = bytes)
            Held += Moved(write(_begin, first, bytes.Length));
    }

    /// <summary>Puts in what a socket has received.</summary>
    /// <returns>How much; 0: there is nothing, or no room.</returns>
    /// <exception cref="IOException">The socket failed.</exception>
    public int Fill(SafeHandle socket, int most)
    {
        var moved = Moved(splice(socket, 0, _begin, 0, most, Move | WithoutWaiting));
        Held += moved;
        return moved;
    }

    /// <summary>Sends what is in it.</summary>
    /// <returns>False: the socket has no room.</returns>
    /// <exception cref="IOException">The socket failed.</exception>
    public bool Drain(SafeHandle socket)
    {
        var moved = Moved(splice(_end, 0, socket, 0, Held, Move | WithoutWaiting));
        Held -= moved;
        return moved > 0;
    }

    public void Dispose()
    {
        _end.Dispose();
        _begin.Dispose();
    }

    private static KernelPipe? TryMake()
    {
        var ends = stackalloc int[2];
        if (pipe2(ends, CloseOnExec | NonBlocking) != 0)
            return null;
        var pipe = new KernelPipe(ends[0], ends[1]);
        // Refused to users who have many; then it stays as it is.
        _ = fcntl(pipe._begin, SetSize, Wanted);
        if (fcntl(pipe._begin, SizeOf, 0) >= Least)
            return pipe;
        pipe.Dispose();
        return null;
    }

    // Kernels that only pretend to be Linux, and filters of system calls, may refuse.
    private static bool TryOut()
    {
        const int unix = 1, stream = 1;
        var ends = stackalloc int[2];
        using var pipe = TryMake();
        if (pipe is null || socketpair(unix, stream | CloseOnExec | NonBlocking, 0, ends) != 0)
            return false;
        using SafeSocketHandle one = new(ends[0], ownsHandle: true), other = new(ends[1], ownsHandle: true);
        try
        {
            pipe.Put([1]);
            return pipe.Drain(one) && pipe.Fill(other, 1) == 1;
        }
        catch (IOException)
        {
            return false;
        }
    }

    private static int Moved(nint count)
    {
        if (count >= 0)
            return (int)count;
        return Marshal.GetLastPInvokeError() == TryAgain ? 0 : throw new IOException(Marshal.GetLastPInvokeErrorMessage());
    }

    [LibraryImport(C, SetLastError = true)]
    private static partial int pipe2(int* ends, int flags);

    [LibraryImport(C, SetLastError = true)]
    private static partial int fcntl(SafeHandle fd, int command, int argument);

    [LibraryImport(C, SetLastError = true)]
    private static partial int socketpair(int domain, int type, int protocol, int* ends);

    [LibraryImport(C, SetLastError = true)]
    private static partial nint write(SafeHandle fd, byte* bytes, nint count);

    [LibraryImport(C, SetLastError = true)]
    private static partial nint splice(SafeHandle from, nint offset, SafeHandle to, nint offsetThere, nint count, uint flags);
}
