using System.Buffers.Binary;
using System.Globalization;
using System.Runtime.InteropServices;

namespace Berth.Agent.Unix;

/// <summary>A TCP socket that listens.</summary>
/// <param name="Address">As the kernel writes it: hexadecimal, 32 bits at a time, in its own order.</param>
/// <param name="Port">Of it.</param>
/// <param name="Inode">Of the socket, as it stands in <c>/proc/PID/fd</c>.</param>
internal sealed record Listener(string Address, int Port, string Inode);

/// <summary>
/// The sockets that listen in this network, IPv4 before IPv6. The kernel is asked for just them (sock_diag(7)): to write
/// <c>/proc/net/tcp</c> it looks at all connections of the whole machine, which takes milliseconds. Where it does not know the
/// question, from there after all.
/// </summary>
internal static unsafe class ListenerTable
{
    private const int Netlink = 16, SocketDiagnosis = 4, Raw = 3;
    private const ushort ByFamily = 20, RequestAll = 0x301, Done = 3;
    private const byte IPv4 = 2, IPv6 = 10, Tcp = 6;
    private const uint InStateListen = 1 << 10;
    private const int HeadBytes = 16, RequestBytes = HeadBytes + 56, BufferBytes = 32 * 1024;
    // In an answer, after its head.
    private const int PortAt = 4, AddressAt = 8, InodeAt = 68, AnswerBytes = 72;
    private const string ListeningInFiles = "0A";
    private static volatile bool s_refused;

    public static List<Listener> Read()
    {
        if (!s_refused && Ask() is { } told)
            return told;
        // Each time that it is asked in vain it looks for a module that knows the answer.
        s_refused = true;
        return [.. Read("/proc/net/tcp"), .. Read("/proc/net/tcp6")];
    }

    private static List<Listener>? Ask()
    {
        var socket = Native.socket(Netlink, Raw | Native.CloseOnExec, SocketDiagnosis);
        if (socket < 0)
            return null;
        try
        {
            var found = new List<Listener>();
            return Ask(socket, IPv4, found) && Ask(socket, IPv6, found) ? found : null;
        }
        finally
        {
            Native.close(socket);
        }
    }

    private static bool Ask(int socket, byte family, List<Listener> found)
    {
        var bytes = stackalloc byte[RequestBytes];
        var request = new Span<byte>(bytes, RequestBytes);
        request.Clear();
        MemoryMarshal.Write(request, RequestBytes);
        MemoryMarshal.Write(request[4..], ByFamily);
        MemoryMarshal.Write(request[6..], RequestAll);
        request[HeadBytes] = family;
        request[HeadBytes + 1] = Tcp;
        MemoryMarshal.Write(request[(HeadBytes + 4)..], InStateListen);
        return Native.write(socket, bytes, RequestBytes) == RequestBytes && Collect(socket, family, found);
    }

    private static bool Collect(int socket, byte family, List<Listener> found)
    {
        var buffer = new byte[BufferBytes];
        while (true)
        {
            nint count;
            fixed (byte* first = buffer)
                count = Native.read(socket, first, BufferBytes);
            if (count <= 0)
                return false;
            for (var rest = buffer.AsSpan(0, (int)count); rest.Length > 0;)
            {
                if (rest.Length < HeadBytes || MemoryMarshal.Read<int>(rest) is var length && (length < HeadBytes || length > rest.Length))
                    return false;
                var kind = MemoryMarshal.Read<ushort>(rest[4..]);
                if (kind == Done)
                    return true;
                if (kind != ByFamily || length < HeadBytes + AnswerBytes)
                    return false;
                found.Add(Told(rest[HeadBytes..length], family));
                // Each begins where four divides.
                rest = rest[Math.Min(length + 3 & ~3, rest.Length)..];
            }
        }
    }

    private static Listener Told(ReadOnlySpan<byte> answer, byte family)
    {
        var address = MemoryMarshal.Cast<byte, uint>(answer.Slice(AddressAt, family == IPv4 ? 4 : 16));
        var written = "";
        foreach (var part in address)
            written += part.ToString("X8", CultureInfo.InvariantCulture);
        return new Listener(
            written, BinaryPrimitives.ReadUInt16BigEndian(answer[PortAt..]), MemoryMarshal.Read<uint>(answer[InodeAt..]).ToString(CultureInfo.InvariantCulture));
    }

    private static IEnumerable<Listener> Read(string table)
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
            if (fields.Length > 9 && fields[3] == ListeningInFiles && fields[1].LastIndexOf(':') is > 0 and var colon
                && int.TryParse(fields[1].AsSpan(colon + 1), NumberStyles.HexNumber, CultureInfo.InvariantCulture, out var port))
            {
                yield return new Listener(fields[1][..colon], port, fields[9]);
            }
        }
    }
}
