using System.Runtime.InteropServices;

namespace Berth.Agent.Unix;

/// <summary>
/// The few calls of libc that .NET has no name for. The agent brings its own glibc wherever it runs, so constants and
/// sizes are glibc's on x86-64. Calls return void where there is nothing to be done about a failure.
/// </summary>
internal static unsafe partial class Native
{
    private const string C = "libc.so.6";

    public const int WriteAllowed = 2, ExecuteAllowed = 1;
    public const int NoEntry = 2, InterruptedCall = 4, InputOutput = 5, NotExecutableFormat = 8, TryAgain = 11, AccessDenied = 13;
    public const int WriteOnly = 1, ReadWrite = 2, NoTerminal = 0x100, NonBlocking = 0x800, CloseOnExec = 0x80000;
    public const int SetStatusFlags = 4, DuplicateCloseOnExec = 1030;
    public const nuint SetWindowSize = 0x5414, GetForegroundGroup = 0x540f;
    public const int TermiosBytes = 60;
    public const uint InputIsUtf8 = 0x4000;
    public const int ChildEnded = 17, DefaultAction = 0;
    public const int SetChildSubreaper = 36;

    [LibraryImport(C)]
    public static partial uint getuid();

    [LibraryImport(C, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int access(string path, int mode);

    [LibraryImport(C, StringMarshalling = StringMarshalling.Utf8)]
    public static partial void setenv(string name, string value, int overwrite);

    [LibraryImport(C)]
    public static partial void prctl(int option, nuint arg2, nuint arg3, nuint arg4, nuint arg5);

    [LibraryImport(C)]
    public static partial void kill(int pid, int signal);

    [LibraryImport(C)]
    public static partial void signal(int signal, nint action);

    [LibraryImport(C, SetLastError = true)]
    public static partial int waitpid(int pid, out int status, int options);

    [LibraryImport(C, SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int open(string path, int flags);

    [LibraryImport(C, SetLastError = true)]
    public static partial int pipe2(int* ends, int flags);

    [LibraryImport(C)]
    public static partial int socket(int family, int type, int protocol);

    [LibraryImport(C)]
    public static partial void close(int fd);

    [LibraryImport(C, SetLastError = true)]
    public static partial nint read(int fd, byte* buffer, nuint count);

    [LibraryImport(C, SetLastError = true)]
    public static partial nint write(int fd, byte* buffer, nuint count);

    [LibraryImport(C)]
    public static partial int fcntl(int fd, int command, int argument);

    [LibraryImport(C, SetLastError = true)]
    public static partial int posix_openpt(int flags);

    [LibraryImport(C, SetLastError = true)]
    public static partial int grantpt(int fd);

    [LibraryImport(C, SetLastError = true)]
    public static partial int unlockpt(int fd);

    [LibraryImport(C, SetLastError = true)]
    public static partial int ptsname_r(int fd, byte* name, nuint length);

    [LibraryImport(C)]
    public static partial int ioctl(int fd, nuint request, void* argument);

    [LibraryImport(C)]
    public static partial int tcgetattr(int fd, uint* termios);

    [LibraryImport(C)]
    public static partial int tcsetattr(int fd, int when, uint* termios);

    [LibraryImport(C)]
    public static partial nint strerror(int error);

    [LibraryImport(C, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int posix_spawn(out int pid, string path, void* actions, void* attributes, byte** argv, byte** envp);

    [LibraryImport(C)]
    public static partial void posix_spawn_file_actions_init(void* actions);

    [LibraryImport(C)]
    public static partial void posix_spawn_file_actions_destroy(void* actions);

    [LibraryImport(C)]
    public static partial void posix_spawn_file_actions_adddup2(void* actions, int fd, int newFd);

    [LibraryImport(C, StringMarshalling = StringMarshalling.Utf8)]
    public static partial void posix_spawn_file_actions_addopen(void* actions, int fd, string path, int flags, uint mode);

    [LibraryImport(C, StringMarshalling = StringMarshalling.Utf8)]
    public static partial void posix_spawn_file_actions_addchdir_np(void* actions, string path);

    [LibraryImport(C)]
    public static partial void posix_spawnattr_init(void* attributes);

    [LibraryImport(C)]
    public static partial void posix_spawnattr_destroy(void* attributes);

    [LibraryImport(C)]
    public static partial void posix_spawnattr_setflags(void* attributes, short flags);

    [LibraryImport(C)]
    public static partial void posix_spawnattr_setsigdefault(void* attributes, void* signals);

    [LibraryImport(C)]
    public static partial void posix_spawnattr_setsigmask(void* attributes, void* signals);

    [LibraryImport(C)]
    public static partial void sigfillset(void* signals);

    /// <summary>What libc calls an error.</summary>
    public static string Words(int error) => Marshal.PtrToStringUTF8(strerror(error)) ?? $"error {error}";
}
