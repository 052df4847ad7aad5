using System.Runtime.InteropServices;

namespace Berth.Tunnel.Polling;

/// <summary>The calls behind <see cref="Poller"/>; constants are Linux's.</summary>
internal static unsafe partial class Epoll
{
    public const int CloseOnExec = 0x80000;
    public const int Add = 1, Remove = 2, Change = 3;
    private const string C = "libc.so.6";

    [LibraryImport(C, SetLastError = true)]
    public static partial int epoll_create1(int flags);

    [LibraryImport(C, SetLastError = true)]
    public static partial int epoll_ctl(int poll, int operation, int fd, Event* polled);

    [LibraryImport(C, SetLastError = true)]
    public static partial int epoll_wait(int poll, Event* events, int count, int milliseconds);

    /// <summary><c>struct epoll_event</c>, which x86-64 packs.</summary>
    [StructLayout(LayoutKind.Sequential, Pack = 1)]
    public struct Event
    {
        public PollEvents Events;
        public long Data;
    }
}
