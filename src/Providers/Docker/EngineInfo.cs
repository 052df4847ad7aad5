using System.Buffers.Binary;
using System.Net.Sockets;

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
    /// <summary>Open files that it may grant a container; null where that cannot be learnt.</summary>
    internal long? OpenFiles { get; init; }

    /// <summary>User ids inside containers are those of the machine.</summary>
    internal bool SameUserIds { get; init; }
}

/// <summary>
/// How many open files an engine may grant. A container that is to have more than the engine's own hard limit does not
/// start, and without a limit some distributions give a thousand million, which makes programs that close all possible
/// files crawl: so the engine's limit has to be known.
/// </summary>
internal static class OpenFileLimit
{
    private const int SolSocket = 1, SoPeerCred = 17; // <sys/socket.h>, Linux

    /// <summary>Of the process at the other end of a Unix socket; null where that is not visible.</summary>
    public static long? OfPeer(Socket socket)
    {
        if (!OperatingSystem.IsLinux())
            return null;
        Span<byte> credentials = stackalloc byte[12]; // struct ucred: pid, uid, gid
        try
        {
            socket.GetRawSocketOption(SolSocket, SoPeerCred, credentials);
            var process = BinaryPrimitives.ReadInt32LittleEndian(credentials);
            return process <= 0 ? null : Parse(File.ReadLines($"/proc/{process}/limits"));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or SocketException)
        {
            return null;
        }
    }

    /// <summary>Reads proc(5)'s table: "Max open files  soft  hard  files".</summary>
    public static long? Parse(IEnumerable<string> lines)
    {
        var line = lines.FirstOrDefault(l => l.StartsWith("Max open files", StringComparison.Ordinal));
        var words = line?.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return words is not { Length: >= 5 } ? null : words[4] == "unlimited" ? long.MaxValue : long.TryParse(words[4], out var hard) ? hard : null;
    }
}
