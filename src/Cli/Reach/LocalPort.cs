using System.Net;
using System.Net.Sockets;

namespace Berth.Cli.Reach;

/// <summary>Listens on this machine.</summary>
internal static class LocalPort
{
    private const int Privileged = 1024;
    private const int InsteadOfPrivileged = 8000;

    /// <summary>Listens on a port, or where that is taken and others will do, on the next one that is free.</summary>
    /// <exception cref="CliException">It cannot be had.</exception>
    public static Socket Listen(IPAddress address, int port, bool isExact)
    {
        for (var candidate = port; candidate <= IPEndPoint.MaxPort; candidate++)
        {
            Socket? socket = null;
            try
            {
                socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
                socket.Bind(new IPEndPoint(address, candidate));
                socket.Listen(128);
                return socket;
            }
            catch (SocketException e)
            {
                socket?.Dispose();
                if (e.SocketErrorCode == SocketError.TooManyOpenSockets)
                    throw new CliException(ExitCodes.Error, $"No further port can be opened: {e.Message}. Allow this command more open files (`ulimit -n`).");
                if (e.SocketErrorCode is not (SocketError.AddressAlreadyInUse or SocketError.AccessDenied))
                    throw new CliException(ExitCodes.Error, $"{address} cannot be listened on: {e.Message}. Name an address of this machine with --bind.");
                if (isExact)
                    throw new CliException(ExitCodes.Conflict, Taken(port, e.SocketErrorCode));
                // Ports below 1024 are for root: the well-known web ports have their well-known neighbours.
                if (e.SocketErrorCode == SocketError.AccessDenied && candidate < Privileged)
                    candidate += InsteadOfPrivileged - 1;
            }
        }
        throw new CliException(ExitCodes.Conflict, $"No port from {port} on is free on {address}.");
    }

    public static int PortOf(Socket socket) => ((IPEndPoint)socket.LocalEndPoint!).Port;

    private static string Taken(int port, SocketError error) => error == SocketError.AccessDenied
        ? $"Port {port} of this machine is for root alone. Say another one before the colon, or none: then a free one is taken."
        : $"Port {port} of this machine is taken by another program. Say another one before the colon, or none: then a free one is taken.";
}
