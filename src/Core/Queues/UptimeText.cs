namespace Berth.Core.Queues;

/// <summary>Reads the parts of an uptime window.</summary>
internal static class UptimeText
{
    public const string Allowed = "Write days and hours, such as 'Mon-Fri 18:00-08:00' or '00:00-24:00'; several are separated by ';'.";

    private const int Day = 24 * 60;

    private static readonly string[] Days = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];

    /// <summary>The times of one part, in minutes since Sunday 00:00; an end may lie in the next week.</summary>
    /// <exception cref="FormatException">The part is not understood.</exception>
    public static IEnumerable<(int From, int To)> MinutesOfWeek(string part)
    {
        var words = part.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        var (days, hours) = words switch
        {
            [var h] when h.Contains(':') => ("Sun-Sat", h),
            [var d, var h] => (d, h),
            [] => throw Refusal(part, "it is empty"),
            [_] => throw Refusal(part, $"it has no hours; for the whole day write '{part} 00:00-24:00'"),
            _ => throw Refusal(part, "it has more than days and hours"),
        };
        var (from, to) = Hours(part, hours);
        return DaysOf(part, days).Select(day => (day * Day + from, day * Day + to)).ToList();
    }

    private static (int From, int To) Hours(string part, string hours)
    {
        if (hours.Split('-') is not [var first, var last])
            throw Refusal(part, $"'{hours}' is no time from-to");
        var (from, to) = (Time(part, first), Time(part, last));
        if (from == to)
            throw Refusal(part, $"'{hours}' begins and ends at the same time; for the whole day write 00:00-24:00");
        if (from == Day)
            throw Refusal(part, "24:00 can only be an end; a begin is 00:00");
        return (from, to > from ? to : to + Day);
    }

    private static int Time(string part, string time)
    {
        if (time is [>= '0' and <= '9', >= '0' and <= '9', ':', >= '0' and <= '9', >= '0' and <= '9'])
        {
            var (hour, minute) = (int.Parse(time.AsSpan(0, 2)), int.Parse(time.AsSpan(3)));
            if (minute < 60 && hour * 60 + minute <= Day)
                return hour * 60 + minute;
        }

        throw Refusal(part, $"'{time}' is no time between 00:00 and 24:00");
    }

    private static IEnumerable<int> DaysOf(string part, string days)
    {
        var ends = days.Split('-');
        if (ends.Length > 2)
            throw Refusal(part, $"'{days}' is neither a day nor days from-to");
        var (from, to) = (DayOf(part, ends[0]), DayOf(part, ends[^1]));
        return Enumerable.Range(from, (to - from + 7) % 7 + 1).Select(day => day % 7);
    }

    private static int DayOf(string part, string day) =>
        Array.FindIndex(Days, d => day.Equals(d, StringComparison.OrdinalIgnoreCase) || day.Equals(d[..3], StringComparison.OrdinalIgnoreCase)) is >= 0 and var index
            ? index
            : throw Refusal(part, $"'{day}' is no day; days are Mon, Tue, Wed, Thu, Fri, Sat, Sun");

    private static FormatException Refusal(string part, string why) => new($"'{part}' is not understood as an uptime window: {why}. {Allowed}");
}
