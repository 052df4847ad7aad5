using System.Net.Sockets;

namespace Berth.Tunnel;

/// <summary>How streams over a socket end it. What is closed already stays so.</summary>
internal static class SocketEnds
{
    /// <summary>The peer reads an end; it may go on writing.</summary>
    public static void EndWrites(this Socket socket)
    {
        try
        {
            socket.Shutdown(SocketShutdown.Send);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // It is closed already; the other direction says how.
        }
    }

    /// <summary>Has closing it send RST: nobody must take an abort for a clean end.</summary>
    public static void ResetOnClose(this Socket socket)
    {
        try
        {
            socket.LingerState = new LingerOption(true, 0);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // Closed already.
        }
    }
}
