using System.Globalization;

namespace Berth.Agent;

/// <summary>TCP ports that something in the session listens on, from <c>/proc/net/tcp</c> (proc(5)).</summary>
/// <param name="sharesNetwork">The network is the machine's: only sockets that processes of the session hold are its own.</param>
internal sealed class ListeningPorts(bool sharesNetwork)
{
    private const string Listening = "0A";
    // Docker's own name server is in the network of each of its containers: 127.0.0.11, as the kernel writes it.
    private const string NameServer = "0B00007F:";
    private const int UsuallyFirstGivenOut = 32768;
    private List<(int Port, string Inode)> _table = [];
    private IReadOnlyList<int> _own = [];

    /// <summary>From here on the kernel gives ports to whoever asks for any: <c>ip_local_port_range</c> of ip(7).</summary>
    public static int FirstGivenOut { get; } = ReadFirstGivenOut();

    /// <summary>Ascending.</summary>
    public IReadOnlyList<int> Find()
    {
        var table = Read("/proc/net/tcp").Concat(Read("/proc/net/tcp6")).ToList();
        if (!sharesNetwork)
            return Ports(table);
        // Whose a socket is takes a look at every process: only where there is something new.
        if (!table.SequenceEqual(_table))
        {
            var held = SocketsHeld();
            (_table, _own) = (table, Ports(table.Where(row => held.Contains($"socket:[{row.Inode}]"))));
        }

        return _own;
    }

    private static List<int> Ports(IEnumerable<(int Port, string Inode)> table) => [.. table.Select(row => row.Port).Distinct().Order()];

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

    private static IEnumerable<(int Port, string Inode)> Read(string table)
    {
        string[] lines;
        try
        {
            lines = File.ReadAllLines(table);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            yield break;
        }
        // "  0: 0100007F:22B8 00000000:0000 0A …": number, local address and port in hexadecimal, remote, state, …, the tenth the inode.
        foreach (var line in lines.Skip(1))
        {
            var fields = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (fields.Length > 9 && fields[3] == Listening && !fields[1].StartsWith(NameServer, StringComparison.Ordinal) && fields[1].LastIndexOf(':') is > 0 and var colon
                && int.TryParse(fields[1].AsSpan(colon + 1), NumberStyles.HexNumber, CultureInfo.InvariantCulture, out var port))
            {
                yield return (port, fields[9]);
            }
        }
    }
}
