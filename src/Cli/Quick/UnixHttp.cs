using Berth.Cli.Servers;

namespace Berth.Cli.Quick;

/// <summary>One GET over a Unix socket in HTTP/1.0, whose answer ends with the connection: all that the quick list needs.</summary>
internal static unsafe class UnixHttp
{
    private const int AfUnix = 1;
    private const int SockStreamCloseOnExec = 1 | 0x80000;
    private const int PathOffset = 2;
    private const int AddressSize = 110;

    /// <summary>The body of a 200; empty for everything else.</summary>
    public static ReadOnlySpan<byte> Get(ReadOnlySpan<byte> socketPath, ReadOnlySpan<byte> request)
    {
        if (socketPath.Length >= AddressSize - PathOffset)
            return default;
        var fd = Libc.socket(AfUnix, SockStreamCloseOnExec, 0);
        if (fd < 0)
            return default;
        try
        {
            // sockaddr_un: the family in two bytes, then the path, ended by a zero.
            var address = stackalloc byte[AddressSize];
            new Span<byte>(address, AddressSize).Clear();
            address[0] = AfUnix;
            socketPath.CopyTo(new Span<byte>(address + PathOffset, socketPath.Length));
            if (Libc.connect(fd, address, AddressSize) != 0 || !WriteAll(fd, request))
                return default;
            return BodyOf(ReadAll(fd));
        }
        finally
        {
            _ = Libc.close(fd);
        }
    }

    public static bool WriteAll(int fd, ReadOnlySpan<byte> bytes)
    {
        fixed (byte* start = bytes)
        {
            for (nint at = 0; at < bytes.Length;)
            {
                var count = Libc.write(fd, start + at, bytes.Length - at);
                if (count <= 0)
                    return false;
                at += count;
            }
        }
        return true;
    }

    private static ReadOnlySpan<byte> ReadAll(int fd)
    {
        var buffer = new byte[32 * 1024];
        var length = 0;
        while (true)
        {
            if (length == buffer.Length)
                Array.Resize(ref buffer, buffer.Length * 2);
            nint count;
            fixed (byte* start = buffer)
                count = Libc.read(fd, start + length, buffer.Length - length);
            if (count < 0)
                return default;
            if (count == 0)
                return buffer.AsSpan(0, length);
            length += (int)count;
        }
    }

    private static ReadOnlySpan<byte> BodyOf(ReadOnlySpan<byte> answer)
    {
        if (answer.Length < 12 || !answer.StartsWith("HTTP/1."u8) || !answer[8..12].SequenceEqual(" 200"u8))
            return default;
        var headers = answer.IndexOf("\r\n\r\n"u8);
        return headers < 0 || answer[..headers].IndexOf("chunked"u8) >= 0 ? default : answer[(headers + 4)..];
    }
}
