using System.Runtime.InteropServices;
using Berth.Contracts.Problems;
using Berth.Core.Sessions;
using Berth.Server.Problems;

namespace Berth.Server.Sessions;

/// <summary>Folders of this machine as workspaces (<c>--here</c>), for callers on the local socket only.</summary>
public static partial class HostFolders
{
    // The kernel's own limit.
    private const int LinksInARow = 40;
    private const int CurrentDirectory = -100;
    private const uint OwnerMask = 0x18;
    private const int OwnerOffset = 20;

    /// <summary>Checks a folder and finds its owner: the session runs as that user, so that its files stay theirs.</summary>
    /// <exception cref="ProblemException">It is not an absolute path of an existing folder.</exception>
    public static HostFolder Resolve(string path)
    {
        if (!Path.IsPathRooted(path) || path.Contains('\0'))
            throw new ProblemException(ProblemCode.Invalid, $"'{path}' is not an absolute path.", "host_folder");
        if (Real(Path.TrimEndingDirectorySeparator(Path.GetFullPath(path)), LinksInARow) is not { } real || !Directory.Exists(real))
            throw new ProblemException(ProblemCode.Invalid, $"There is no folder '{path}' on the server's machine.", "host_folder");
        if (real.Contains(':') || real == "/")
            throw new ProblemException(ProblemCode.Invalid, $"'{path}' cannot be a workspace: choose a folder below / without a colon in its path.", "host_folder");

        Span<byte> buffer = stackalloc byte[256];
        if (Statx(CurrentDirectory, real, 0, OwnerMask, buffer) != 0)
            throw new ProblemException(ProblemCode.Invalid, $"The folder '{path}' cannot be read by the server.", "host_folder");
        var owner = MemoryMarshal.Cast<byte, int>(buffer[OwnerOffset..]);
        return new HostFolder(real, owner[0], owner[1]);
    }

    /// <summary>A repository of this machine by its real path; one that leads nowhere is left as it is.</summary>
    public static Repository Resolve(Repository repository) =>
        repository.IsLocal && Real(Path.TrimEndingDirectorySeparator(Path.GetFullPath(repository.Url)), LinksInARow) is { } real
            ? repository with { Url = real }
            : repository;

    /// <summary>The path without links, those on the way included: whoever may write there must not lead the mount elsewhere later.</summary>
    /// <returns>Null: there are too many links, or one that leads nowhere.</returns>
    private static string? Real(string path, int links)
    {
        if (Path.GetDirectoryName(path) is not { } parent)
            return path;
        if (Real(parent, links) is not { } above)
            return null;
        var info = new DirectoryInfo(Path.Combine(above, Path.GetFileName(path)));
        if (info.LinkTarget is not { } target)
            return info.FullName;
        return links == 0 ? null : Real(Path.TrimEndingDirectorySeparator(Path.GetFullPath(target, above)), links - 1);
    }

    // statx(2): .NET has no API for a file's owner.
    [LibraryImport("libc", EntryPoint = "statx", StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Statx(int directory, string path, int flags, uint mask, Span<byte> buffer);
}
