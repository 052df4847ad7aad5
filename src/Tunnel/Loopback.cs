using System.Net;
using System.Net.Sockets;
using Berth.Tunnel.Polling;

namespace Berth.Tunnel;

/// <summary>Connects to what listens on loopback, at whichever address.</summary>
/// <param name="mayReach">Whether what listens at an address may be connected to; null: whatever does.</param>
public sealed class Loopback(Func<IPEndPoint, bool>? mayReach = null)
{
    // Apps listen on either; almost all on the first.
    private static readonly IPAddress[] s_addresses = [IPAddress.Loopback, IPAddress.IPv6Loopback];

    /// <returns>The connection; where there is none, what is wrong, or null: nothing listens there.</returns>
    public async Task<(PolledSocket? App, SocketException? Failure)> ConnectAsync(int port, CancellationToken ct)
    {
        SocketException? failure = null;
        foreach (var to in s_addresses.Select(address => new IPEndPoint(address, port)).Where(to => mayReach?.Invoke(to) ?? true))
        {
            try
            {
                return (await PolledSocket.ConnectAsync(to, ct), null);
            }
            catch (SocketException e) // also where the kernel knows no such addresses
            {
                if (to.AddressFamily == AddressFamily.InterNetwork && e.SocketErrorCode != SocketError.ConnectionRefused)
                    failure = e;
            }
        }

        return (null, failure);
    }
}
