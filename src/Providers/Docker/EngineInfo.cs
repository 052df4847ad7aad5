using System.Buffers.Binary;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Berth.Providers.Docker;

/// <summary>What an engine says of itself and its machine.</summary>
/// <param name="Address">Where it answered.</param>
/// <param name="Version">Of the engine.</param>
/// <param name="Name">Of the machine.</param>
/// <param name="Platform">Such as <c>linux/amd64</c>.</param>
/// <param name="Cpus">Cores.</param>
/// <param name="MemoryBytes">Bytes.</param>
public sealed record EngineInfo(string Address, string Version, string Name, string Platform, int Cpus, long MemoryBytes)
{
    /// <summary>It is Podman, by its own word; otherwise it is Docker, or behaves as Docker does.</summary>
    public bool IsPodman { get; init; }

    /// <summary>Such as <c>Podman 4.3.1</c>.</summary>
    public string Product => $"{(IsPodman ? "Podman" : "Docker")} {Version}";

    /// <summary>What it may grant a container; null where that cannot be learnt.</summary>
    internal EngineLimits? Limits { get; init; }

    /// <summary>
    /// It runs as somebody else than root, by what the kernel says of the process at its socket, for not every Podman says so.
    /// Its containers' networks are then apart from the machine's: neither their addresses nor firewall rules mean anything here.
    /// </summary>
    public bool IsRootless { get; init; }

    /// <summary>Limits of processor, memory and processes are taken and not kept, without a word.</summary>
    internal bool IgnoresLimits { get; init; }

    /// <summary>Why it can give no gpus to sessions, in a sentence; null: it can, or nothing is known against it.</summary>
    public string? NoGpus { get; init; }

    /// <summary>Folder of its images and volumes on this machine; null: it is on another, or does not say.</summary>
    public string? DataFolder { get; init; }

    /// <summary>User ids inside containers are those of the machine.</summary>
    internal bool SameUserIds { get; init; }
}

/// <summary>The process at the other end of an engine's Unix socket.</summary>
/// <param name="Id">Its process id; 0 where it cannot be seen from here.</param>
/// <param name="User">Whose it is.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct EnginePeer(int Id, uint User)
{
    private const int SolSocket = 1, SoPeerCred = 17; // <sys/socket.h>, Linux

    /// <summary>Null where the kernel does not tell.</summary>
    public static EnginePeer? Of(Socket socket)
    {
        if (!OperatingSystem.IsLinux())
            return null;
        Span<byte> credentials = stackalloc byte[12]; // struct ucred: pid, uid, gid
        try
        {
            socket.GetRawSocketOption(SolSocket, SoPeerCred, credentials);
            return new EnginePeer(BinaryPrimitives.ReadInt32LittleEndian(credentials), BinaryPrimitives.ReadUInt32LittleEndian(credentials[4..]));
        }
        catch (SocketException)
        {
            return null;
        }
    }
}

/// <summary>
/// How much an engine may grant: a container that is to have more than the engine's own hard limit does not start. Without
/// a limit some distributions give a thousand million open files, which makes programs that close all possible files crawl;
/// and Podman asks for a million processes where it is not told otherwise. So the engine's own limits have to be known.
/// </summary>
/// <param name="OpenFiles">Of one process.</param>
/// <param name="Processes">Of one user of the machine, in all containers together.</param>
internal sealed record EngineLimits(long OpenFiles, long Processes)
{
    private const string PidMax = "/proc/sys/kernel/pid_max";

    /// <summary>Null where they cannot be seen.</summary>
    public static EngineLimits? Of(EnginePeer peer)
    {
        try
        {
            return peer.Id <= 0 ? null : Parse(File.ReadAllLines($"/proc/{peer.Id}/limits"));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>Reads proc(5)'s table: "Max open files  soft  hard  files".</summary>
    public static EngineLimits? Parse(IReadOnlyCollection<string> lines) =>
        Hard(lines, "Max open files") is { } files && Hard(lines, "Max processes") is { } processes ? new EngineLimits(files, Math.Min(processes, MostProcesses())) : null;

    /// <summary>Podman lowers its own limit to it, unseen by whoever sees another program at the socket's end, such as systemd.</summary>
    private static long MostProcesses() =>
        File.Exists(PidMax) && long.TryParse(File.ReadAllText(PidMax), out var most) ? most : long.MaxValue;

    private static long? Hard(IEnumerable<string> lines, string name)
    {
        var line = lines.FirstOrDefault(l => l.StartsWith(name, StringComparison.Ordinal));
        var words = line?[name.Length..].Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return words is not { Length: >= 2 } ? null : words[1] == "unlimited" ? long.MaxValue : long.TryParse(words[1], out var hard) ? hard : null;
    }
}
