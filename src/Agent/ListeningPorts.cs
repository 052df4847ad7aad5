using System.Globalization;

namespace Berth.Agent;

/// <summary>TCP ports that something in the session's network listens on, from <c>/proc/net/tcp</c> (proc(5)).</summary>
internal static class ListeningPorts
{
    private const string Listening = "0A";
    // Docker's own name server is in the network of each of its containers: 127.0.0.11, as the kernel writes it.
    private const string NameServer = "0B00007F:";

    private const int UsuallyFirstGivenOut = 32768;

    /// <summary>From here on the kernel gives ports to whoever asks for any: <c>ip_local_port_range</c> of ip(7).</summary>
    public static int FirstGivenOut { get; } = ReadFirstGivenOut();

    /// <summary>Ascending.</summary>
    public static IReadOnlyList<int> Find() =>
        [.. Read("/proc/net/tcp").Concat(Read("/proc/net/tcp6")).Distinct().Order()];

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

    private static IEnumerable<int> Read(string table)
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
        // "  0: 0100007F:22B8 00000000:0000 0A …": number, local address and port in hexadecimal, remote, state.
        foreach (var line in lines.Skip(1))
        {
            var fields = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (fields.Length > 3 && fields[3] == Listening && !fields[1].StartsWith(NameServer, StringComparison.Ordinal) && fields[1].LastIndexOf(':') is > 0 and var colon
                && int.TryParse(fields[1].AsSpan(colon + 1), NumberStyles.HexNumber, CultureInfo.InvariantCulture, out var port))
            {
                yield return port;
            }
        }
    }
}
