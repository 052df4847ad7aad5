using System.Runtime.InteropServices;
using System.Text;

namespace Berth.Agent.Unix;

/// <summary>What to run.</summary>
internal sealed record ChildStart(
    string Path, IReadOnlyList<string> Arguments, IReadOnlyDictionary<string, string> Environment, string WorkingDirectory);

/// <summary>What it reads and writes: descriptors, or a terminal, which it gets as its own.</summary>
/// <param name="Input">Descriptor; -1: there is nothing to read.</param>
/// <param name="Output">Descriptor.</param>
/// <param name="Error">Descriptor.</param>
internal readonly record struct ChildFiles(int Input, int Output, int Error)
{
    /// <summary>Path of the terminal in place of the descriptors.</summary>
    public string? Terminal { get; init; }
}

/// <summary>A process that was started here, leader of a process group of its own.</summary>
/// <param name="Pid">Also the id of its group.</param>
/// <param name="Exited">Its exit code; 128 + signal when a signal ended it.</param>
internal sealed record Child(int Pid, Task<int> Exited)
{
    public void Signal(int signal) => Native.kill(-Pid, signal);
}

/// <summary>
/// Starts processes and reaps all that end: its own, and those that are left to process 1 because their parent ended.
/// <para>
/// A thread waits for them in the kernel. .NET's own ways will not do: <c>System.Diagnostics.Process</c> makes no process
/// groups, and as soon as it or a registration for SIGCHLD is used, .NET as process 1 reaps every child itself and
/// throws away the exit codes of those it does not know. So neither is used in this program.
/// </para>
/// </summary>
internal sealed class Children
{
    private const int ActionsBytes = 128, AttributesBytes = 512, SignalsBytes = 128;
    private const short DefaultSignals = 0x04, SignalMask = 0x08, NewSession = 0x80;

    private readonly Dictionary<int, TaskCompletionSource<int>> _own = [];

    public Children()
    {
        // Whoever started this program may have ignored it, and then exit codes are lost.
        Native.signal(Native.ChildEnded, Native.DefaultAction);
        // Where this is not process 1, what loses its parent would go to somebody else.
        Native.prctl(Native.SetChildSubreaper, 1, 0, 0, 0);
        new Thread(Reap) { IsBackground = true, Name = "reaper" }.Start();
    }

    /// <summary>Starts a process that writes to the given descriptor and reads nothing.</summary>
    /// <exception cref="SpawnException">The kernel's refusal.</exception>
    public Child Spawn(ChildStart start, int output) => Spawn(start, new ChildFiles(-1, output, output));

    /// <summary>Starts a process.</summary>
    /// <exception cref="SpawnException">The kernel's refusal.</exception>
    public Child Spawn(ChildStart start, ChildFiles files)
    {
        // Held until the process is known: it may end before this returns.
        lock (_own)
        {
            var (pid, error) = Spawn(start, files, [.. start.Environment.Select(v => $"{v.Key}={v.Value}")]);
            if (error != 0)
                throw new SpawnException(error);
            var exited = new TaskCompletionSource<int>(TaskCreationOptions.RunContinuationsAsynchronously);
            _own[pid] = exited;
            Monitor.Pulse(_own);
            return new Child(pid, exited.Task);
        }
    }

    private void Reap()
    {
        while (true)
        {
            var pid = Native.waitpid(-1, out var status, 0);
            if (pid > 0)
            {
                lock (_own)
                {
                    if (_own.Remove(pid, out var exited))
                        exited.SetResult(ExitCode(status));
                }
            }
            else if (Marshal.GetLastPInvokeError() != Native.InterruptedCall)
            {
                // No child is left, and nobody can leave any to this process until it starts one.
                lock (_own)
                {
                    if (_own.Count == 0)
                        Monitor.Wait(_own);
                }
            }
        }
    }

    // wait(2): the low 7 bits are the signal, the next byte is the code.
    private static int ExitCode(int status) => (status & 0x7f) == 0 ? (status >> 8) & 0xff : 128 + (status & 0x7f);

    private static unsafe (int Pid, int Error) Spawn(ChildStart start, ChildFiles files, IReadOnlyList<string> environment)
    {
        var actions = stackalloc byte[ActionsBytes];
        var attributes = stackalloc byte[AttributesBytes];
        var signals = stackalloc byte[SignalsBytes];
        var none = stackalloc byte[SignalsBytes];
        new Span<byte>(none, SignalsBytes).Clear();
        using var argv = new StringArray(start.Arguments);
        using var envp = new StringArray(environment);
        Native.posix_spawn_file_actions_init(actions);
        Native.posix_spawnattr_init(attributes);
        try
        {
            // The leader of a new session that opens a terminal has it as its own from then on.
            if (files.Input < 0)
                Native.posix_spawn_file_actions_addopen(actions, 0, files.Terminal ?? "/dev/null", files.Terminal is null ? 0 : Native.ReadWrite, 0);
            else
                Native.posix_spawn_file_actions_adddup2(actions, files.Input, 0);
            Native.posix_spawn_file_actions_adddup2(actions, files.Terminal is null ? files.Output : 0, 1);
            Native.posix_spawn_file_actions_adddup2(actions, files.Terminal is null ? files.Error : 0, 2);
            Native.posix_spawn_file_actions_addchdir_np(actions, start.WorkingDirectory);
            // .NET ignores and blocks signals for itself; what is ignored stays so in a child unless it is undone.
            Native.sigfillset(signals);
            Native.posix_spawnattr_setsigdefault(attributes, signals);
            Native.posix_spawnattr_setsigmask(attributes, none);
            Native.posix_spawnattr_setflags(attributes, DefaultSignals | SignalMask | NewSession);
            var error = Native.posix_spawn(out var pid, start.Path, actions, attributes, argv.Pointer, envp.Pointer);
            return (pid, error);
        }
        finally
        {
            Native.posix_spawnattr_destroy(attributes);
            Native.posix_spawn_file_actions_destroy(actions);
        }
    }

    /// <summary>A null-terminated array of C strings.</summary>
    private sealed unsafe class StringArray : IDisposable
    {
        private readonly int _count;

        public StringArray(IReadOnlyList<string> strings)
        {
            _count = strings.Count;
            Pointer = (byte**)NativeMemory.AllocZeroed((nuint)(_count + 1), (nuint)sizeof(byte*));
            for (var i = 0; i < _count; i++)
            {
                var bytes = Encoding.UTF8.GetBytes(strings[i]);
                Pointer[i] = (byte*)NativeMemory.AllocZeroed((nuint)bytes.Length + 1);
                bytes.CopyTo(new Span<byte>(Pointer[i], bytes.Length));
            }
        }

        public byte** Pointer { get; }

        public void Dispose()
        {
            for (var i = 0; i < _count; i++)
                NativeMemory.Free(Pointer[i]);
            NativeMemory.Free(Pointer);
        }
    }
}

/// <summary>A process could not be started.</summary>
internal sealed class SpawnException(int error) : Exception(Native.Words(error))
{
    /// <summary>errno.</summary>
    public int Error { get; } = error;
}
