using Berth.Tunnel.Resumable;

namespace Berth.Cli.Reach;

/// <summary>Says, once for all streams of a command, that they are waited for, that the line is lost and that it is back.</summary>
/// <param name="say">Writes a line for people.</param>
/// <param name="lost">Says that it is lost.</param>
/// <param name="back">Says that it is back, and after how long.</param>
/// <param name="time">The clock.</param>
internal sealed class LineReport(Action<string> say, Action lost, Action<TimeSpan> back, TimeProvider time)
{
    /// <summary>In lines.</summary>
    public LineReport(Action<string> say, TimeProvider time)
        : this(
            say,
            () => say("The connection is lost: reconnecting …"),
            after => say($"Back after {Math.Max(1, Math.Round(after.TotalSeconds)):0} s: nothing is lost."),
            time)
    {
    }

    private readonly Lock _lock = new();
    private bool _isWaiting;
    private int _lost;
    private long _since;

    /// <summary>Follows one more stream, from its opening on.</summary>
    public Followed Follow() => new(this);

    /// <summary>A stream is not open yet; null: why is not known.</summary>
    public void Wait(string? why)
    {
        lock (_lock)
        {
            // Who hears that the line is lost knows what is waited for.
            if (_isWaiting || _lost > 0)
                return;
            _isWaiting = true;
            say(why is null ? "Waiting for the session …" : $"Waiting for the session … ({why})");
        }
    }

    /// <summary>A stream is open, or given up: the next one that is waited for is said again.</summary>
    public void EndWait()
    {
        lock (_lock)
            _isWaiting = false;
    }

    private void Lose()
    {
        lock (_lock)
        {
            if (_lost++ > 0)
                return;
            _since = time.GetTimestamp();
            lost();
        }
    }

    private void Regain(bool isBack)
    {
        lock (_lock)
        {
            if (--_lost == 0 && isBack)
                back(time.GetElapsedTime(_since));
        }
    }

    /// <summary>One stream: lost or not.</summary>
    public sealed class Followed(LineReport line)
    {
        private int _isLost;

        /// <summary>The options that its stream is opened with.</summary>
        public ResumableOptions Tell(ResumableOptions options) => options with
        {
            Lost = () =>
            {
                if (Interlocked.Exchange(ref _isLost, 1) == 0)
                    line.Lose();
            },
            Back = _ => End(isBack: true),
        };

        /// <summary>It is over, lost or not.</summary>
        public void End(bool isBack = false)
        {
            if (Interlocked.Exchange(ref _isLost, 0) == 1)
                line.Regain(isBack);
        }
    }
}
