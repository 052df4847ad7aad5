using System.Collections.Concurrent;
using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;

namespace Berth.Fakes;

/// <summary>One end of a wire whose packets a program reads and writes.</summary>
internal sealed class TunDevice : IDisposable
{
    private const int ReadWrite = 2, CloseOnExec = 0x80000, NonBlocking = 0x800;
    private const nuint SetInterface = 0x400454ca;
    private const short Tun = 0x0001, NoPacketInformation = 0x1000, Readable = 1;

    private readonly int _file;

    private TunDevice(int file, string name) => (_file, Name) = (file, name);

    public string Name { get; }

    /// <summary>Makes one in the network of the calling thread.</summary>
    public static TunDevice Open()
    {
        var file = open("/dev/net/tun", ReadWrite | CloseOnExec | NonBlocking);
        if (file < 0)
            throw new InvalidOperationException($"/dev/net/tun: error {Marshal.GetLastPInvokeError()}");
        // struct ifreq: a name of 16 bytes, then flags. The kernel fills the number in.
        var request = new byte[40];
        Encoding.ASCII.GetBytes("berth%d", request);
        BitConverter.TryWriteBytes(request.AsSpan(16), (short)(Tun | NoPacketInformation));
        if (ioctl(file, SetInterface, request) < 0)
        {
            var error = Marshal.GetLastPInvokeError();
            close(file);
            throw new InvalidOperationException($"TUNSETIFF: error {error}");
        }
        return new TunDevice(file, Encoding.ASCII.GetString(request, 0, request.AsSpan(0, 16).IndexOf((byte)0)));
    }

    /// <summary>The next packet; 0: there was none within a tenth of a second.</summary>
    public int Read(byte[] into)
    {
        while (true)
        {
            var count = (int)read(_file, into, (nuint)into.Length);
            if (count > 0)
                return count;
            var wait = new PollFile { File = _file, Events = Readable };
            if (poll(ref wait, 1, 100) <= 0)
                return 0;
        }
    }

    /// <summary>A packet that finds no room is lost, as on any wire.</summary>
    public void Write(byte[] packet, int length) => write(_file, packet, (nuint)length);

    public void Dispose() => close(_file);

    [StructLayout(LayoutKind.Sequential)]
    private struct PollFile
    {
        public int File;
        public short Events;
        public short Happened;
    }

    [DllImport("libc", SetLastError = true)]
    private static extern int open([MarshalAs(UnmanagedType.LPUTF8Str)] string path, int flags);

    [DllImport("libc")]
    private static extern void close(int file);

    [DllImport("libc", SetLastError = true)]
    private static extern int ioctl(int file, nuint request, byte[] argument);

    [DllImport("libc", SetLastError = true)]
    private static extern nint read(int file, byte[] into, nuint count);

    [DllImport("libc", SetLastError = true)]
    private static extern nint write(int file, byte[] from, nuint count);

    [DllImport("libc", SetLastError = true)]
    private static extern int poll(ref PollFile files, nuint count, int milliseconds);
}

/// <summary>Carries packets from one device to another, later, and not all of them.</summary>
internal sealed class DelayLine : IDisposable
{
    // Threads of their own, and no pool's: a line whose packets wait for a free thread measures the pool.
    private readonly Thread _reading;
    private readonly Thread _writing;
    private readonly BlockingCollection<(byte[] Bytes, int Length, long Due)> _onTheWay = [];
    private readonly ConcurrentBag<byte[]> _free = [];
    private volatile bool _over;
    private int _lost;

    public DelayLine(TunDevice from, TunDevice to, TimeSpan delay, double loss)
    {
        _reading = new Thread(() => Read(from, delay, loss)) { IsBackground = true, Name = "line, in" };
        _writing = new Thread(() => Write(to)) { IsBackground = true, Name = "line, out" };
        _reading.Start();
        _writing.Start();
    }

    public int Lost => Volatile.Read(ref _lost);

    public void Dispose()
    {
        _over = true;
        _reading.Join();
        _writing.Join();
        _onTheWay.Dispose();
    }

    private void Read(TunDevice from, TimeSpan delay, double loss)
    {
        // The same packets are lost each time.
        var luck = new Random(1);
        var ticks = (long)(delay.TotalSeconds * Stopwatch.Frequency);
        while (!_over)
        {
            var packet = _free.TryTake(out var used) ? used : new byte[65536];
            var length = from.Read(packet);
            if (length == 0 || luck.NextDouble() < loss)
            {
                _free.Add(packet);
                _lost += length == 0 ? 0 : 1;
                continue;
            }
            _onTheWay.Add((packet, length, Stopwatch.GetTimestamp() + ticks));
        }
        _onTheWay.CompleteAdding();
    }

    private void Write(TunDevice to)
    {
        foreach (var (bytes, length, due) in _onTheWay.GetConsumingEnumerable())
        {
            if (_over)
                continue;
            for (long left; (left = due - Stopwatch.GetTimestamp()) > 0;)
                nanosleep([0, left * 1_000_000_000 / Stopwatch.Frequency], 0);
            to.Write(bytes, length);
            _free.Add(bytes);
        }
    }

    [DllImport("libc")]
    private static extern void nanosleep(long[] time, nint rest);
}
