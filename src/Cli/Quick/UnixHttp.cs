using System.Text;
using Berth.Cli.Servers;

namespace Berth.Cli.Quick;

/// <summary>One GET over a Unix socket in HTTP/1.0, whose answer ends with the connection: all that the quick list needs.</summary>
internal static unsafe class UnixHttp
{
    private const int AfUnix = 1;
    private const int SockStreamCloseOnExec = 1 | 0x80000;
    private const int PathOffset = 2;
    private const int AddressSize = 110;

    /// <summary>The body of a 200; null for everything else.</summary>
    public static byte[]? Get(string socketPath, string path)
    {
        var name = Encoding.UTF8.GetBytes(socketPath);
        if (name.Length >= AddressSize - PathOffset)
            return null;
        var fd = Libc.socket(AfUnix, SockStreamCloseOnExec, 0);
        if (fd < 0)
            return null;
        try
        {
            // sockaddr_un: the family in two bytes, then the path, ended by a zero.
            var address = stackalloc byte[AddressSize];
            new Span<byte>(address, AddressSize).Clear();
            address[0] = AfUnix;
            name.CopyTo(new Span<byte>(address + PathOffset, name.Length));
            if (Libc.connect(fd, address, AddressSize) != 0)
                return null;
            WriteAll(fd, $"GET {path} HTTP/1.0\r\nHost: localhost\r\nAccept: application/json\r\n\r\n");
            return BodyOf(ReadAll(fd));
        }
        finally
        {
            _ = Libc.close(fd);
        }
    }

    public static void WriteAll(int fd, string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        fixed (byte* start = bytes)
        {
            for (nint at = 0; at < bytes.Length;)
            {
                var count = Libc.write(fd, start + at, bytes.Length - at);
                if (count <= 0)
                    return;
                at += count;
            }
        }
    }

    private static byte[] ReadAll(int fd)
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
            if (count <= 0)
                return buffer[..length];
            length += (int)count;
        }
    }

    private static byte[]? BodyOf(byte[] answer)
    {
        ReadOnlySpan<byte> all = answer;
        if (!all.StartsWith("HTTP/1."u8) || all.Length < 12 || !all[8..12].SequenceEqual(" 200"u8))
            return null;
        var headers = all.IndexOf("\r\n\r\n"u8);
        return headers < 0 || all[..headers].IndexOf("chunked"u8) >= 0 ? null : answer[(headers + 4)..];
    }
}
