using System.ComponentModel;
using System.Runtime.InteropServices;

namespace Berth.Cli.Servers;

/// <summary>Somebody else's process, held by a descriptor: it is this very process even if its id is given out again.</summary>
internal sealed unsafe class RunningProcess : IDisposable
{
    private const nint PidFdOpen = 434;
    private readonly int _fd;
    private readonly int _pid;

    private RunningProcess(int pid, int fd) => (_pid, _fd) = (pid, fd);

    /// <summary>Null: there is none.</summary>
    public static RunningProcess? Open(int pid)
    {
        var fd = (int)Libc.syscall(PidFdOpen, pid, 0);
        return fd < 0 ? null : new RunningProcess(pid, fd);
    }

    public void Terminate()
    {
        if (Libc.kill(_pid, Libc.SigTerm) != 0)
            throw new CliException(ExitCodes.Error, $"The server (process {_pid}) cannot be stopped: {new Win32Exception(Marshal.GetLastPInvokeError()).Message}.");
    }

    /// <summary>False: it still runs after that time.</summary>
    public Task<bool> HasEndedAsync(TimeSpan patience, CancellationToken ct) => Task.Run(
        () =>
        {
            var wait = new Libc.PollFd { Fd = _fd, Events = Libc.PollIn };
            return Libc.poll(&wait, 1, (int)patience.TotalMilliseconds) > 0;
        },
        ct);

    public void Dispose() => _ = Libc.close(_fd);
}
