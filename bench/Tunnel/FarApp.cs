using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace Berth.Bench.Tunnel;

/// <summary>
/// What is reached: asked with one letter and a number of 8 bytes, it sends so many bytes (<c>d</c>), takes so many and
/// says so with one (<c>u</c>), or sends back whatever comes (<c>e</c>).
/// </summary>
public sealed class FarApp : IDisposable
{
    public const int HeadLength = 9;
    private readonly TcpListener _listener;

    public FarApp(TcpListener listener)
    {
        _listener = listener;
        _ = Task.Run(async () =>
        {
            while (true)
                _ = ServeAsync(await listener.AcceptSocketAsync());
        });
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    public static byte[] Ask(char what, long count)
    {
        var head = new byte[HeadLength];
        head[0] = (byte)what;
        BinaryPrimitives.WriteInt64BigEndian(head.AsSpan(1), count);
        return head;
    }

    public void Dispose() => _listener.Stop();

    private static async Task ServeAsync(Socket socket)
    {
        socket.NoDelay = true;
        await using var stream = new NetworkStream(socket, ownsSocket: true);
        try
        {
            var head = new byte[HeadLength];
            await stream.ReadExactlyAsync(head);
            var count = BinaryPrimitives.ReadInt64BigEndian(head.AsSpan(1));
            var buffer = new byte[128 * 1024];
            switch ((char)head[0])
            {
                case 'd':
                    for (; count > 0; count -= buffer.Length)
                        await stream.WriteAsync(buffer.AsMemory(0, (int)Math.Min(count, buffer.Length)));
                    break;
                case 'u':
                    while (count > 0)
                        count -= await stream.ReadAsync(buffer) is > 0 and var read ? read : throw new EndOfStreamException();
                    stream.WriteByte(1);
                    break;
                case 'e':
                    while (await stream.ReadAsync(buffer) is > 0 and var read)
                        await stream.WriteAsync(buffer.AsMemory(0, read));
                    break;
                default:
                    // The agent asks whether its front end is there.
                    await stream.WriteAsync("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"u8.ToArray());
                    break;
            }
        }
        catch (IOException)
        {
            // Whoever asked has gone.
        }
    }
}
