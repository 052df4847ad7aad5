using Berth.Cli.Output;
using Berth.Tunnel.Resumable;

namespace Berth.Cli.Reach;

/// <summary>Says, once for all streams of a command, that the line is lost and that it is back.</summary>
/// <param name="lost">Says that it is lost.</param>
/// <param name="back">Says that it is back, and after how long.</param>
/// <param name="time">The clock.</param>
internal sealed class LineReport(Action lost, Action<TimeSpan> back, TimeProvider time)
{
    /// <summary>In lines for people.</summary>
    public LineReport(Report report, TimeProvider time)
        : this(
            () => report.Line("The connection is lost: reconnecting …"),
            after => report.Line($"Back after {Math.Max(1, Math.Round(after.TotalSeconds)):0} s: nothing is lost."),
            time)
    {
    }

    private readonly Lock _lock = new();
    private int _lost;
    private long _since;

    /// <summary>Follows one more stream, from its opening on.</summary>
    public Followed Follow() => new(this);

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
