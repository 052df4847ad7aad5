using System.Text;
using Berth.Contracts.Services;

namespace Berth.Cli.Reach;

/// <summary>Says on the last line of a terminal that the connection is lost, and takes it away when it is back. A moment's loss is not said.</summary>
internal sealed class StatusLine : IDisposable
{
    private static readonly TimeSpan s_moment = TimeSpan.FromSeconds(2);
    private readonly Lock _lock = new();
    private readonly Stream _screen;
    private readonly Func<TerminalSize> _size;
    private readonly ITimer _timer;
    private bool _isShown;

    public StatusLine(Stream screen, Func<TerminalSize> size, TimeProvider time)
    {
        (_screen, _size) = (screen, size);
        _timer = time.CreateTimer(_ => Show(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>The screen was written on, and what was there is wanted again.</summary>
    public event Action? Spoilt;

    public void Lost() => _timer.Change(s_moment, Timeout.InfiniteTimeSpan);

    public void Back()
    {
        _timer.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        lock (_lock)
        {
            if (!_isShown)
                return;
            _isShown = false;
            Write($"\e7\e[{_size().Rows};1H\e[2K\e8");
        }
        Spoilt?.Invoke();
    }

    public void Dispose() => _timer.Dispose();

    private void Show()
    {
        lock (_lock)
        {
            _isShown = true;
            var size = _size();
            var text = " The connection is lost: reconnecting … (Enter ~ . to leave)";
            Write($"\e7\e[{size.Rows};1H\e[7m{text[..Math.Min(text.Length, size.Columns - 1)]}\e[0m\e[K\e8");
        }
    }

    private void Write(string text)
    {
        _screen.Write(Encoding.UTF8.GetBytes(text));
        _screen.Flush();
    }
}
