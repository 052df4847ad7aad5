using System.Collections.Concurrent;
using System.Runtime.InteropServices;

namespace Berth.Tunnel.Polling;

/// <summary>
/// Tells when descriptors are ready: one thread waits for all of them in the kernel (epoll(7)). What is told goes on on
/// that thread: it must be short, and must wait for nothing.
/// </summary>
public sealed unsafe class Poller
{
    private const int Events = 64;
    private static readonly Lock s_lock = new();
    private static Poller? s_shared;
    private readonly ConcurrentDictionary<int, IPolled> _polled = new();
    private readonly int _poll;
    private long _told;

    private Poller()
    {
        _poll = Epoll.epoll_create1(Epoll.CloseOnExec);
        if (_poll < 0)
            throw Failed();
        new Thread(Run) { IsBackground = true, Name = "poller" }.Start();
    }

    /// <summary>There from its first use on.</summary>
    /// <exception cref="IOException">The system has no room for it now; later it may.</exception>
    public static Poller Shared => Volatile.Read(ref s_shared) ?? Make();

    /// <summary>How often anybody was told; for tests.</summary>
    internal long Told => Interlocked.Read(ref _told);

    /// <summary>Takes a descriptor in.</summary>
    /// <exception cref="IOException">The system has no room for it.</exception>
    public void Add(int fd, PollEvents events, IPolled polled)
    {
        _polled[fd] = polled;
        try
        {
            Control(Epoll.Add, fd, events);
        }
        catch
        {
            _polled.TryRemove(fd, out _);
            throw;
        }
    }

    /// <summary>What is waited for from now on. If it is there already, that is told.</summary>
    public void Change(int fd, PollEvents events) => Control(Epoll.Change, fd, events);

    /// <summary>Lets a descriptor go; to be called before it is closed. A word about it may still be on its way.</summary>
    public void Remove(int fd)
    {
        Control(Epoll.Remove, fd, PollEvents.None);
        _polled.TryRemove(fd, out _);
    }

    private void Control(int operation, int fd, PollEvents events)
    {
        var polled = new Epoll.Event { Events = events, Data = fd };
        if (Epoll.epoll_ctl(_poll, operation, fd, &polled) != 0)
            throw Failed();
    }

    private static IOException Failed() => new($"A descriptor cannot be waited for: {Marshal.GetLastPInvokeErrorMessage()}.");

    private void Run()
    {
        var events = stackalloc Epoll.Event[Events];
        while (true)
        {
            var count = Epoll.epoll_wait(_poll, events, Events, -1);
            _told += Math.Max(count, 0);
            for (var i = 0; i < count; i++)
            {
                if (_polled.TryGetValue((int)events[i].Data, out var polled))
                    polled.Ready(events[i].Events);
            }
        }
    }

    private static Poller Make()
    {
        lock (s_lock)
            return s_shared ??= new Poller();
    }
}

/// <summary>Has a descriptor that is polled.</summary>
public interface IPolled
{
    /// <summary>It may be ready: who tries may find that it is not, or that it is another one's by now.</summary>
    void Ready(PollEvents events);
}

/// <summary>Of <c>epoll_ctl(2)</c>, with its numbers.</summary>
[Flags]
public enum PollEvents : uint
{
    None = 0,
    Readable = 0x1,
    Urgent = 0x2,
    Writable = 0x4,
    Error = 0x8,
    HungUp = 0x10,
    PeerEnded = 0x2000,

    /// <summary>Told once, then no more until changed.</summary>
    Once = 1u << 30,

    /// <summary>Told when it comes, not for as long as it is so.</summary>
    Edge = 1u << 31,
}
