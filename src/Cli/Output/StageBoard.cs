using Berth.Contracts.Sessions;

namespace Berth.Cli.Output;

/// <summary>
/// Shows a start's stages as they pass: on a terminal the present one is a line that is redrawn, the past ones stay with
/// their timings; elsewhere each stage is a line when it begins and a line when it ends.
/// </summary>
internal sealed class StageBoard : IDisposable
{
    private static readonly string[] Spinner = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
    private static readonly TimeSpan Frame = TimeSpan.FromMilliseconds(100);
    private const int LabelWidth = 10;
    private const string Queued = "queued";

    private readonly Report _report;
    private readonly TimeProvider _time;
    private readonly int _width;
    private readonly ITimer? _timer;
    private readonly Lock _lock = new();
    private readonly HashSet<(string, DateTimeOffset, string?)> _begun = [];
    private readonly HashSet<(string, DateTimeOffset)> _ended = [];
    private StageView? _present;
    private int _frame;
    private bool _closed;

    public StageBoard(Surroundings here, Report report)
    {
        _report = report;
        _time = here.Time;
        _width = here.Width;
        if (report.Live)
            _timer = _time.CreateTimer(_ => Redraw(), null, Frame, Frame);
    }

    public void Show(SessionView session)
    {
        lock (_lock)
        {
            if (_closed)
                return;
            _present = null;
            foreach (var stage in session.Berth.Stages)
            {
                if (stage.EndedAt is null)
                    _present = stage;
                else
                    End(stage, stage.EndedAt.Value);
            }
            // Who waits in line is told each time that something about it changes; else it would be silent for long.
            if (_present is { } present && _begun.Add((present.Name, present.StartedAt, present.Name == Queued ? present.Detail : null)) && !_report.Live)
                _report.Line($"{Label(present.Name)} …{Detail(present)}");
            Draw();
        }
    }

    /// <summary>Takes the redrawn line away, so that what follows begins on a clean line.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            _closed = true;
            _timer?.Dispose();
            if (_report.Live && _present is not null)
                _report.Raw("\r\e[K");
        }
    }

    private void End(StageView stage, DateTimeOffset at)
    {
        if (!_ended.Add((stage.Name, stage.StartedAt)))
            return;
        var took = Ages.Took(at - stage.StartedAt);
        _report.Line(_report.Live
            ? "\r\e[K" + $"{_report.Paint("32", "✓")} {Label(stage.Name).PadRight(LabelWidth)} {took,9}"
            : $"{Label(stage.Name).PadRight(LabelWidth)} {took,9}");
    }

    private void Redraw()
    {
        lock (_lock)
        {
            _frame++;
            if (!_closed)
                Draw();
        }
    }

    private void Draw()
    {
        if (!_report.Live || _present is not { } stage)
            return;
        var line = $"{Spinner[_frame % Spinner.Length]} {Label(stage.Name).PadRight(LabelWidth)} {Ages.Took(_time.GetUtcNow() - stage.StartedAt),9}{Detail(stage)}";
        _report.Raw("\r\e[K" + (line.Length >= _width ? line[..(_width - 2)] + "…" : line));
    }

    private static string Detail(StageView stage) => string.IsNullOrEmpty(stage.Detail) ? "" : "  " + stage.Detail.ReplaceLineEndings(" ");

    private static string Label(string stage) => stage.Length == 0 ? stage : char.ToUpperInvariant(stage[0]) + stage[1..];
}
