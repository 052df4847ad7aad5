using System.Collections.Concurrent;
using System.ComponentModel;
using System.Runtime.InteropServices;

namespace Berth.Agent.Unix;

/// <summary>Tells when descriptors are ready: one thread waits for all of them in the kernel (epoll(7)).</summary>
internal sealed unsafe class Poller
{
    private const int Events = 64;
    private readonly ConcurrentDictionary<int, TaskCompletionSource> _waiting = new();
    private readonly int _poll;

    private Poller()
    {
        _poll = Native.epoll_create1(Native.CloseOnExec);
        if (_poll < 0)
            throw new Win32Exception(Marshal.GetLastPInvokeError());
        new Thread(Run) { IsBackground = true, Name = "poller" }.Start();
    }

    /// <summary>There from its first use on.</summary>
    public static Poller Shared => Instance.Value;

    /// <summary>Takes a descriptor in; it is not waited for yet.</summary>
    public void Add(int fd) => Control(Native.AddToPoll, fd, 0);

    /// <summary>Lets a descriptor go; to be called before it is closed. Who still waits for it is woken.</summary>
    public void Remove(int fd)
    {
        Control(Native.RemoveFromPoll, fd, 0);
        if (_waiting.TryRemove(fd, out var waiter))
            waiter.TrySetResult();
    }

    /// <summary>Completes when the descriptor may be ready: who tries may find that it is not. One waiter a descriptor.</summary>
    public Task WaitAsync(int fd, uint events)
    {
        var waiter = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _waiting[fd] = waiter;
        Control(Native.ChangeInPoll, fd, events | Native.OneShot);
        return waiter.Task;
    }

    private void Control(int operation, int fd, uint events)
    {
        var polled = new Native.PollEvent { Events = events, Data = fd };
        if (Native.epoll_ctl(_poll, operation, fd, &polled) != 0)
            throw new Win32Exception(Marshal.GetLastPInvokeError());
    }

    private void Run()
    {
        var events = stackalloc Native.PollEvent[Events];
        while (true)
        {
            var count = Native.epoll_wait(_poll, events, Events, -1);
            for (var i = 0; i < count; i++)
            {
                if (_waiting.TryRemove((int)events[i].Data, out var waiter))
                    waiter.TrySetResult();
            }
        }
    }

    private static class Instance
    {
        public static readonly Poller Value = new();
    }
}
