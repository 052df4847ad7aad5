using System.ComponentModel;

namespace Berth.Cli.Servers;

/// <summary>
/// A program started in a session of its own, without this terminal: it outlives this command, and Ctrl-C does not reach it.
/// .NET's own <c>Process</c> cannot do that.
/// </summary>
internal sealed unsafe class Spawned
{
    // From spawn.h and fcntl.h of Linux, the same for glibc and musl.
    private const short SetSignalDefaults = 0x04;
    private const short SetSignalMask = 0x08;
    private const short SetSession = 0x80;
    private const int ReadOnly = 0;
    private const int WriteCreateAppend = 0x1 | 0x40 | 0x400;
    private const int NoWait = 1;

    /// <summary>Above the size of every opaque struct that is passed here (glibc's largest is 336 bytes).</summary>
    private const int Opaque = 1024;

    private bool _reaped;

    private Spawned(int id) => Id = id;

    public int Id { get; }

    /// <summary>It has ended (and is reaped).</summary>
    public bool HasExited
    {
        get
        {
            int status;
            return _reaped |= Libc.waitpid(Id, &status, NoWait) != 0;
        }
    }

    public static Spawned Start(string program, IReadOnlyDictionary<string, string> variables, string log)
    {
        var argv = Libc.Strings([program]);
        var environment = Libc.Strings([.. variables.Select(pair => $"{pair.Key}={pair.Value}")]);
        var files = Libc.Strings(["/dev/null", log]);
        var actions = stackalloc byte[Opaque];
        var attributes = stackalloc byte[Opaque];
        var signals = stackalloc byte[Opaque];
        Must(Libc.posix_spawn_file_actions_init(actions));
        Must(Libc.posix_spawnattr_init(attributes));
        try
        {
            Must(Libc.posix_spawn_file_actions_addopen(actions, 0, files[0], ReadOnly, 0));
            Must(Libc.posix_spawn_file_actions_addopen(actions, 1, files[1], WriteCreateAppend, Convert.ToUInt32("600", 8)));
            Must(Libc.posix_spawn_file_actions_adddup2(actions, 1, 2));
            Must(Libc.posix_spawnattr_setflags(attributes, SetSession | SetSignalDefaults | SetSignalMask));
            // What this program ignores or blocks, the server must not inherit.
            Must(Libc.sigfillset(signals));
            Must(Libc.posix_spawnattr_setsigdefault(attributes, signals));
            Must(Libc.sigemptyset(signals));
            Must(Libc.posix_spawnattr_setsigmask(attributes, signals));
            int pid;
            Must(Libc.posix_spawn(&pid, argv[0], actions, attributes, argv, environment));
            return new Spawned(pid);
        }
        catch (Win32Exception e)
        {
            throw new CliException(ExitCodes.Error, $"{program} cannot be started: {e.Message}.");
        }
        finally
        {
            _ = Libc.posix_spawn_file_actions_destroy(actions);
            _ = Libc.posix_spawnattr_destroy(attributes);
            Libc.Free(argv);
            Libc.Free(environment);
            Libc.Free(files);
        }
    }

    private static void Must(int error)
    {
        if (error != 0)
            throw new Win32Exception(error);
    }
}
