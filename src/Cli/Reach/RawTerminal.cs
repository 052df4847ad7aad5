using System.Runtime.InteropServices;
using Berth.Cli.Servers;
using Berth.Contracts.Services;

namespace Berth.Cli.Reach;

/// <summary>
/// This process's terminal while it stands for one in a session: keys are passed on as they are typed, Ctrl-C too. Becomes
/// again what it was, however the process ends short of being killed.
/// </summary>
internal sealed unsafe class RawTerminal : IDisposable
{
    private const int Input = 0, Output = 1;
    private const int AfterOutput = 1;
    private const nuint GetWindowSize = 0x5413;
    private readonly Libc.Termios _before;
    private readonly PosixSignalRegistration _resized;
    private readonly EventHandler _restore;
    private int _restored;

    private RawTerminal(Libc.Termios before)
    {
        _before = before;
        _restore = (_, _) => Restore();
        AppDomain.CurrentDomain.ProcessExit += _restore;
        _resized = PosixSignalRegistration.Create(PosixSignal.SIGWINCH, _ => Resized?.Invoke());
        var raw = before;
        Libc.cfmakeraw(&raw);
        _ = Libc.tcsetattr(Input, AfterOutput, &raw);
        // The runtime asks for the keys' application mode; programs in the session ask for what they need.
        Console.Out.Write("\e[?1l\e>");
        Console.Out.Flush();
    }

    /// <summary>The window has another size.</summary>
    public event Action? Resized;

    /// <summary>Of the window; 24 × 80 where it does not tell.</summary>
    public static TerminalSize Size
    {
        get
        {
            Libc.WindowSize size;
            return Libc.ioctl(Output, GetWindowSize, &size) == 0 && size is { Rows: > 0, Columns: > 0 } ? new TerminalSize(size.Rows, size.Columns) : new TerminalSize(24, 80);
        }
    }

    /// <summary>Takes the terminal over.</summary>
    /// <exception cref="CliException">There is none.</exception>
    public static RawTerminal Take()
    {
        Libc.Termios before;
        return Libc.tcgetattr(Input, &before) == 0
            ? new RawTerminal(before)
            : throw CliException.Usage("Standard input is no terminal. For a command without one, leave --tty away.");
    }

    public void Dispose()
    {
        _resized.Dispose();
        AppDomain.CurrentDomain.ProcessExit -= _restore;
        Restore();
    }

    private void Restore()
    {
        if (Interlocked.Exchange(ref _restored, 1) != 0)
            return;
        var before = _before;
        _ = Libc.tcsetattr(Input, AfterOutput, &before);
    }
}
