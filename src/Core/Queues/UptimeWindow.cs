namespace Berth.Core.Queues;

/// <summary>
/// When a machine may be used, week for week, by its own clock: <c>Mon-Fri 18:00-08:00; Sat-Sun 00:00-24:00</c>. A time
/// that goes over midnight belongs to the day on which it begins. Where clocks are changed, what they show counts.
/// </summary>
public sealed class UptimeWindow
{
    private const int Day = 24 * 60;
    private const int Week = 7 * Day;

    // A window may fall into the hour that a change of clocks leaves out: the one a week later does not.
    private const int DaysToLookAhead = 15;

    private readonly TimeZoneInfo _zone;
    private readonly List<(int From, int To)> _open;
    private readonly List<int> _timesOfDay;

    private UptimeWindow(string text, TimeZoneInfo zone, List<(int From, int To)> open)
    {
        Text = text;
        _zone = zone;
        _open = open;
        _timesOfDay = [.. open.SelectMany(o => new[] { o.From % Day, o.To % Day }).Distinct().Order()];
        LongestOpen = open is [(0, Week)] ? null : TimeSpan.FromMinutes(Longest(open));
    }

    /// <summary>As it was given.</summary>
    public string Text { get; }

    /// <summary>The longest time that it is open at a stretch, clock changes aside; null: it is always open.</summary>
    public TimeSpan? LongestOpen { get; }

    /// <summary>Reads a text.</summary>
    /// <param name="text">Parts separated by <c>;</c> or <c>,</c>, each of days (one, or from-to; left out: every day) and hours.</param>
    /// <param name="zone">Time zone of the machine.</param>
    /// <exception cref="FormatException">Says which part is not understood, and what is.</exception>
    public static UptimeWindow Parse(string text, TimeZoneInfo zone)
    {
        ArgumentNullException.ThrowIfNull(text);
        ArgumentNullException.ThrowIfNull(zone);
        var parts = text.Split([';', ',']).Select(p => p.Trim()).ToList();
        if (parts.TrueForAll(p => p.Length == 0))
            throw new FormatException($"An uptime window is empty. {UptimeText.Allowed}");
        return new(text.Trim(), zone, Merge(parts.SelectMany(UptimeText.MinutesOfWeek)));
    }

    /// <summary>Whether the machine may be used.</summary>
    public bool IsOpen(DateTimeOffset now)
    {
        var local = TimeZoneInfo.ConvertTime(now, _zone);
        var minute = (int)local.DayOfWeek * Day + (int)local.TimeOfDay.TotalMinutes;
        return _open.Exists(o => o.From <= minute && minute < o.To);
    }

    /// <summary>When it opens next, or closes if it is open; null: it is always open.</summary>
    public DateTimeOffset? NextChange(DateTimeOffset now)
    {
        if (LongestOpen is null)
            return null;
        var open = IsOpen(now);
        var today = TimeZoneInfo.ConvertTime(now, _zone).Date;
        for (var day = 0; day <= DaysToLookAhead; day++)
            foreach (var moment in Moments(today.AddDays(day)).Where(m => m > now).Order())
                if (IsOpen(moment) != open)
                    return TimeZoneInfo.ConvertTime(moment, _zone);
        return null;
    }

    /// <inheritdoc/>
    public override string ToString() => Text;

    // All moments of a day at which it may open or close: when the clock shows a time of the window, and when the clock is changed.
    private IEnumerable<DateTimeOffset> Moments(DateTime date)
    {
        var (before, after) = (_zone.GetUtcOffset(date), _zone.GetUtcOffset(date.AddDays(1)));
        foreach (var offset in before == after ? [before] : new[] { before, after })
            foreach (var minutes in _timesOfDay)
                if (new DateTimeOffset(date.AddMinutes(minutes), offset) is var moment && _zone.GetUtcOffset(moment) == offset)
                    yield return moment;
        if (after != before)
            yield return ClockChange(new(date, before), new(date.AddDays(1), after), before);
    }

    private DateTimeOffset ClockChange(DateTimeOffset from, DateTimeOffset to, TimeSpan before)
    {
        from = from.AddMinutes(-1); // it may be at midnight
        while (to - from > TimeSpan.FromTicks(1))
        {
            var middle = from + (to - from) / 2;
            (from, to) = _zone.GetUtcOffset(middle) == before ? (middle, to) : (from, middle);
        }

        return to;
    }

    private static List<(int From, int To)> Merge(IEnumerable<(int From, int To)> spans)
    {
        var cut = spans.SelectMany(s => s.To <= Week ? [s] : new[] { (s.From, To: Week), (From: 0, To: s.To - Week) });
        var merged = new List<(int From, int To)>();
        foreach (var span in cut.OrderBy(s => s.From))
            if (merged.Count > 0 && span.From <= merged[^1].To)
                merged[^1] = (merged[^1].From, Math.Max(merged[^1].To, span.To));
            else
                merged.Add(span);
        return merged;
    }

    // The end of Saturday and the begin of Sunday are one stretch.
    private static int Longest(List<(int From, int To)> open)
    {
        var longest = open.Max(o => o.To - o.From);
        return open.Count > 1 && open[0].From == 0 && open[^1].To == Week
            ? Math.Max(longest, open[0].To + Week - open[^1].From)
            : longest;
    }
}
