using System.ComponentModel;
using System.Runtime.InteropServices;
using System.Text;
using Berth.Contracts.Services;

namespace Berth.Agent.Unix;

/// <summary>A terminal for a process, of which this is the other side (pty(7)). Closing it hangs up on what still runs there.</summary>
internal sealed unsafe class PseudoTerminal : IDisposable
{
    private const int WindowChanged = 28;
    private readonly Lock _lock = new();
    private readonly int _fd;
    private bool _closed;

    /// <exception cref="Win32Exception">The system has no more of them.</exception>
    public PseudoTerminal(TerminalSize size)
    {
        _fd = Native.posix_openpt(Native.ReadWrite | Native.NoTerminal | Native.CloseOnExec);
        var name = stackalloc byte[64];
        if (_fd < 0 || Native.grantpt(_fd) != 0 || Native.unlockpt(_fd) != 0 || Native.ptsname_r(_fd, name, 64) != 0)
            throw new Win32Exception(Marshal.GetLastPInvokeError());
        Path = Encoding.UTF8.GetString(MemoryMarshal.CreateReadOnlySpanFromNullTerminated(name));
        // So that a backspace takes a whole letter.
        var termios = stackalloc uint[Native.TermiosBytes / sizeof(uint)];
        if (Native.tcgetattr(_fd, termios) == 0)
        {
            termios[0] |= Native.InputIsUtf8;
            _ = Native.tcsetattr(_fd, 0, termios);
        }
        Resize(size);
        // Reading and writing wait apart.
        Input = new Descriptor(Native.fcntl(_fd, Native.DuplicateCloseOnExec, 0));
        Output = new Descriptor(_fd);
    }

    /// <summary>Of the process's side.</summary>
    public string Path { get; }

    /// <summary>What is typed.</summary>
    public Descriptor Input { get; }

    /// <summary>What is shown.</summary>
    public Descriptor Output { get; }

    /// <summary>Id of the process group that the terminal listens to; 0: none.</summary>
    public int Foreground
    {
        get
        {
            int group;
            return Control(Native.GetForegroundGroup, &group) ? group : 0;
        }
    }

    /// <summary>Changes its size.</summary>
    public void Resize(TerminalSize size)
    {
        var pixels = stackalloc ushort[] { size.Rows, size.Columns, 0, 0 };
        Control(Native.SetWindowSize, pixels);
    }

    /// <summary>Lets a program that fills the screen draw it again.</summary>
    public void Redraw()
    {
        if (Foreground is > 0 and var group)
            Native.kill(-group, WindowChanged);
    }

    public void Dispose()
    {
        lock (_lock)
        {
            _closed = true;
            Input.Dispose();
            Output.Dispose();
        }
    }

    private bool Control(nuint request, void* argument)
    {
        lock (_lock)
            return !_closed && Native.ioctl(_fd, request, argument) == 0;
    }
}
