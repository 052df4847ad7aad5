using System.Globalization;
using Berth.Files;

namespace Berth.Cli.Output;

/// <summary>
/// Shows how far a copy is: on a terminal in one line that is redrawn, however many files there are; elsewhere nothing but what
/// goes wrong.
/// </summary>
internal sealed class CopyBoard(Surroundings here, Report report)
{
    private static readonly TimeSpan s_frame = TimeSpan.FromMilliseconds(200);
    private static readonly int s_remembered = 25;

    private readonly Lock _lock = new();
    private readonly Queue<(long At, long Bytes)> _past = new();
    private CopyReport? _shown;

    /// <summary>Shows one until the result is disposed.</summary>
    public IDisposable? Show(CopyReport copy)
    {
        if (!report.Live)
            return null;
        lock (_lock)
            _shown = copy;
        return new Showing(this, here.Time.CreateTimer(_ => Redraw(), null, s_frame, s_frame));
    }

    /// <summary>A line for people, above the one that is redrawn.</summary>
    public void Line(string text) => Above(() => report.Line(text));

    /// <summary>A line about something that was not copied.</summary>
    public void Problem(string text) => Above(() => report.Problem(text));

    /// <summary>What a copy came to.</summary>
    public static string Sum(CopyReport copy) => $"{Count(copy.Files)} {(copy.Files == 1 ? "file" : "files")}, {DiskUse.Of(copy.Bytes)}";

    /// <summary>The line of a copy that runs.</summary>
    /// <param name="copy">It.</param>
    /// <param name="rate">Bytes a second; null: not known yet.</param>
    /// <param name="width">Columns, the last of which stays free.</param>
    internal static string Of(CopyReport copy, double? rate, int width)
    {
        var line = copy.Total is { } total && total.Bytes >= copy.Bytes
            ? $"{(total.Bytes == 0 ? 100 : 100 * copy.Bytes / total.Bytes),3} %  {DiskUse.Of(copy.Bytes)} of {DiskUse.Of(total.Bytes)}{Files(copy.Files, total.Files)}"
            : $"{DiskUse.Of(copy.Bytes)}{Files(copy.Files, null)}";
        if (rate is { } perSecond)
            line += $"  {DiskUse.Of((long)perSecond)}/s";
        if (rate is > 0 and var known && copy.Total is { } all && all.Bytes > copy.Bytes)
            line += $"  {Ages.Span(TimeSpan.FromSeconds(Math.Min((all.Bytes - copy.Bytes) / known, 1e7)))} left";
        return Cut(line, copy.Present, width - 1);
    }

    private static string Files(long files, long? of) => of is 1 ? "" : of is null ? $", {Count(files)} files" : $", {Count(files)} of {Count(of.Value)} files";

    private static string Count(long number) => number.ToString("N0", CultureInfo.InvariantCulture);

    /// <summary>With the end of the name where it does not fit: that is what tells files apart.</summary>
    private static string Cut(string line, string name, int width)
    {
        if (line.Length > width)
            return line[..width];
        var room = width - line.Length - 2;
        if (name.Length <= room)
            return $"{line}  {name}";
        return room < 8 ? line : $"{line}  …{name[^(room - 1)..]}";
    }

    private void Redraw()
    {
        lock (_lock)
        {
            if (_shown is not { } copy)
                return;
            var now = (At: here.Time.GetTimestamp(), copy.Bytes);
            _past.Enqueue(now);
            var then = _past.Peek();
            if (_past.Count > s_remembered)
                _past.Dequeue();
            var took = here.Time.GetElapsedTime(then.At, now.At).TotalSeconds;
            report.Raw("\r\e[K" + Of(copy, took > 0 ? (now.Bytes - then.Bytes) / took : null, here.Width));
        }
    }

    private void Above(Action write)
    {
        lock (_lock)
        {
            if (_shown is not null)
                report.Raw("\r\e[K");
            write();
        }
    }

    private void End()
    {
        lock (_lock)
        {
            _shown = null;
            _past.Clear();
            report.Raw("\r\e[K");
        }
    }

    private sealed class Showing(CopyBoard board, ITimer timer) : IDisposable
    {
        public void Dispose()
        {
            timer.Dispose();
            board.End();
        }
    }
}
