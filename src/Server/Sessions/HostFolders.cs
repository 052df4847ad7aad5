using System.Runtime.InteropServices;
using Berth.Contracts.Problems;
using Berth.Core.Sessions;
using Berth.Server.Problems;

namespace Berth.Server.Sessions;

/// <summary>Folders of this machine as workspaces (<c>--here</c>), for callers on the local socket only.</summary>
public static partial class HostFolders
{
    private const int CurrentDirectory = -100;
    private const uint OwnerMask = 0x18;
    private const int OwnerOffset = 20;

    /// <summary>Checks a folder and finds its owner: the session runs as that user, so that its files stay theirs.</summary>
    /// <exception cref="ProblemException">It is not an absolute path of an existing folder.</exception>
    public static HostFolder Resolve(string path)
    {
        if (!Path.IsPathRooted(path))
            throw new ProblemException(ProblemCode.Invalid, $"'{path}' is not an absolute path.", "host_folder");
        var info = new DirectoryInfo(path);
        var real = info.Exists ? info.ResolveLinkTarget(returnFinalTarget: true)?.FullName ?? info.FullName : null;
        if (!Directory.Exists(real))
            throw new ProblemException(ProblemCode.Invalid, $"There is no folder '{path}' on the server's machine.", "host_folder");
        if (real.Contains(':') || real == "/")
            throw new ProblemException(ProblemCode.Invalid, $"'{path}' cannot be a workspace: choose a folder below / without a colon in its path.", "host_folder");

        Span<byte> buffer = stackalloc byte[256];
        if (Statx(CurrentDirectory, real, 0, OwnerMask, buffer) != 0)
            throw new ProblemException(ProblemCode.Invalid, $"The folder '{path}' cannot be read by the server.", "host_folder");
        var owner = MemoryMarshal.Cast<byte, int>(buffer[OwnerOffset..]);
        return new HostFolder(real, owner[0], owner[1]);
    }

    // statx(2): .NET has no API for a file's owner.
    [LibraryImport("libc", EntryPoint = "statx", StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Statx(int directory, string path, int flags, uint mask, Span<byte> buffer);
}
