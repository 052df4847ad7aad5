using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Berth.Agent.Unix;

namespace Berth.Agent;

/// <summary>TCP ports that something in the session listens on.</summary>
/// <param name="sharesNetwork">The network is the machine's: only sockets that processes of the session hold are its own.</param>
internal sealed class ListeningPorts(bool sharesNetwork)
{
    // Docker's own name server is in the network of each of its containers: 127.0.0.11, as the kernel writes it.
    private const string NameServer = "0B00007F";
    private const int UsuallyFirstGivenOut = 32768;

    // As the kernel writes them: 32 bits at a time, in its own order. Which of several listeners takes a connection: the one
    // at just that address before one at any, and of the same kind before one of both.
    private static readonly string[] s_takeIPv4 = ["0100007F", "0000000000000000FFFF00000100007F", "00000000", Any];
    private static readonly string[] s_takeIPv6 = ["00000000000000000000000001000000", Any];
    private const string Any = "00000000000000000000000000000000";

    private readonly Lock _lock = new();
    private Sight _last = new([], []);

    /// <summary>From here on the kernel gives ports to whoever asks for any: <c>ip_local_port_range</c> of ip(7).</summary>
    public static int FirstGivenOut { get; } = ReadFirstGivenOut();

    /// <summary>Ascending.</summary>
    public IReadOnlyList<int> Find() => [.. (sharesNetwork ? Look().Own : (IEnumerable<Listener>)Table()).Select(listener => listener.Port).Distinct().Order()];

    /// <summary>Whether what would take a connection there is the session's own.</summary>
    // Once more where not, for a process may have been beginning when it was looked at.
    public bool IsOwn(IPEndPoint to) => Takes(to, Look()) || Takes(to, Look(anew: true));

    /// <summary>Whether somebody else on the machine listens on a port, and the session does not.</summary>
    public bool IsTaken(int port) => sharesNetwork && Table().Any(listener => listener.Port == port) && !Find().Contains(port);

    private static bool Takes(IPEndPoint to, Sight seen)
    {
        foreach (var address in to.AddressFamily == AddressFamily.InterNetwork ? s_takeIPv4 : s_takeIPv6)
        {
            if (seen.All.Where(listener => listener.Port == to.Port && listener.Address == address).ToList() is { Count: > 0 } first)
                return first.All(seen.Own.Contains);
        }

        return false;
    }

    // Whose a socket is takes a look at every process: only where there is something new.
    private Sight Look(bool anew = false)
    {
        var table = Table();
        lock (_lock)
        {
            if (anew || !table.SequenceEqual(_last.All))
            {
                var held = SocketsHeld();
                _last = new Sight(table, [.. table.Where(listener => held.Contains($"socket:[{listener.Inode}]"))]);
            }

            return _last;
        }
    }

    private static List<Listener> Table() => [.. ListenerTable.Read().Where(listener => listener.Address != NameServer)];

    private static int ReadFirstGivenOut()
    {
        try
        {
            return int.Parse(File.ReadAllText("/proc/sys/net/ipv4/ip_local_port_range").Split('\t')[0], CultureInfo.InvariantCulture);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or FormatException)
        {
            return UsuallyFirstGivenOut;
        }
    }

    /// <summary>Of all processes that can be seen here.</summary>
    private static HashSet<string> SocketsHeld()
    {
        var held = new HashSet<string>(StringComparer.Ordinal);
        foreach (var process in Directory.EnumerateDirectories("/proc").Where(folder => char.IsAsciiDigit(Path.GetFileName(folder)[0])))
        {
            try
            {
                foreach (var descriptor in new DirectoryInfo(Path.Combine(process, "fd")).EnumerateFileSystemInfos())
                {
                    if (descriptor.LinkTarget is { } target)
                        held.Add(target);
                }
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // It has just ended, or is another user's.
            }
        }

        return held;
    }

    private sealed record Sight(List<Listener> All, HashSet<Listener> Own);
}
