using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Berth.Fakes;

/// <summary>
/// A network of its own at the other end of a line that takes time and loses packets: a network namespace whose only way
/// out is a TUN device, and this process as the line. Kernels without <c>netem</c> are many; this needs <c>/dev/net/tun</c>,
/// root and <c>ip</c>. The namespace goes with this process, whatever happens to it.
/// </summary>
public sealed class FarNetwork : IDisposable
{
    private const int NewNetwork = 0x40000000;
    private static int s_made;

    private readonly BlockingCollection<Action> _work = [];
    private readonly Thread _there;
    private readonly TunDevice _near;
    private readonly TunDevice _far;
    private readonly DelayLine _out;
    private readonly DelayLine _back;

    private FarNetwork(TimeSpan roundTrip, double loss, int mtu)
    {
        // RFC 2544's range, which is nobody's; a network of this process's own in it.
        var number = Interlocked.Increment(ref s_made);
        var first = number * 4 % 256;
        (Near, Far) = (Address(first + 1), Address(first + 2));
        _there = new Thread(Work) { IsBackground = true, Name = "far network" };
        _there.Start();
        There(() =>
        {
            if (unshare(NewNetwork) != 0)
                throw new InvalidOperationException($"unshare: error {Marshal.GetLastPInvokeError()}");
            return true;
        });
        _near = TunDevice.Open();
        _far = There(TunDevice.Open);
        Configure(_near.Name, Near, Far, mtu);
        There(() =>
        {
            Ip("link", "set", "lo", "up");
            Configure(_far.Name, Far, Near, mtu);
            return true;
        });
        var oneWay = roundTrip / 2;
        (_out, _back) = (new DelayLine(_near, _far, oneWay, loss), new DelayLine(_far, _near, oneWay, loss));
    }

    /// <summary>This side's address.</summary>
    public IPAddress Near { get; }

    /// <summary>The other side's.</summary>
    public IPAddress Far { get; }

    /// <summary>Packets that were lost.</summary>
    public int Lost => _out.Lost + _back.Lost;

    /// <summary>Makes one.</summary>
    /// <param name="roundTrip">How long a packet and its answer take together.</param>
    /// <param name="loss">Which part of the packets is lost, each way.</param>
    /// <param name="mtu">Largest packet, in bytes.</param>
    /// <param name="why">Why this machine has none.</param>
    /// <returns>Null where this machine does not allow it.</returns>
    public static FarNetwork? TryMake(TimeSpan roundTrip, double loss, int mtu, out string? why)
    {
        why = !Environment.IsPrivilegedProcess ? "a network namespace takes root"
            : !File.Exists("/dev/net/tun") ? "this machine has no /dev/net/tun" : null;
        try
        {
            return why is null ? new FarNetwork(roundTrip, loss, mtu) : null;
        }
        catch (Exception e) when (e is InvalidOperationException or System.ComponentModel.Win32Exception)
        {
            why = $"this machine makes no network namespace with a TUN device: {e.Message}";
            return null;
        }
    }

    /// <summary>Does something on a thread that is over there: its sockets and its child processes are there for good.</summary>
    public T There<T>(Func<T> work)
    {
        var done = new TaskCompletionSource<T>();
        _work.Add(() =>
        {
            try
            {
                done.SetResult(work());
            }
            catch (Exception e)
            {
                done.SetException(e);
            }
        });
        return done.Task.GetAwaiter().GetResult();
    }

    /// <summary>Listens over there.</summary>
    public TcpListener Listen(int port = 0) => There(() =>
    {
        var listener = new TcpListener(IPAddress.Any, port);
        listener.Start(512);
        return listener;
    });

    public void Dispose()
    {
        _out.Dispose();
        _back.Dispose();
        _near.Dispose();
        _far.Dispose();
        _work.CompleteAdding();
        _there.Join();
        _work.Dispose();
    }

    private static IPAddress Address(int last) => IPAddress.Parse($"198.19.{Environment.ProcessId % 256}.{last}");

    private void Work()
    {
        foreach (var work in _work.GetConsumingEnumerable())
            work();
    }

    private static void Configure(string device, IPAddress here, IPAddress there, int mtu)
    {
        Ip("addr", "add", $"{here}/32", "peer", $"{there}/32", "dev", device);
        Ip("link", "set", device, "mtu", mtu.ToString(CultureInfo.InvariantCulture), "txqueuelen", "10000", "up");
    }

    private static void Ip(params string[] words)
    {
        using var ip = Process.Start(new ProcessStartInfo("ip", words) { RedirectStandardError = true, UseShellExecute = false })!;
        var said = ip.StandardError.ReadToEnd();
        ip.WaitForExit();
        if (ip.ExitCode != 0)
            throw new InvalidOperationException($"ip {string.Join(' ', words)}: {said.Trim()}");
    }

    [DllImport("libc", SetLastError = true)]
    private static extern int unshare(int flags);
}
