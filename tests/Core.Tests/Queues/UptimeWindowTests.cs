using Berth.Core.Queues;

namespace Berth.Core.Tests.Queues;

public sealed class UptimeWindowTests
{
    private static readonly TimeZoneInfo Zurich = TimeZoneInfo.FindSystemTimeZoneById("Europe/Zurich");

    [Theory]
    [InlineData("Mon-Fri 18:00-08:00", "2026-11-20 18:00", true)] // a Friday
    [InlineData("Mon-Fri 18:00-08:00", "2026-11-20 17:59", false)]
    [InlineData("Mon-Fri 18:00-08:00", "2026-11-21 07:59", true)] // over midnight into Saturday
    [InlineData("Mon-Fri 18:00-08:00", "2026-11-21 08:00", false)]
    [InlineData("Mon-Fri 18:00-08:00", "2026-11-23 03:00", false)] // Sunday's night is not in it
    [InlineData("Sat 22:00-06:00", "2026-11-22 05:00", true)] // over the end of the week
    [InlineData("Fri-Mon 00:00-24:00", "2026-11-22 12:00", true)]
    [InlineData("Fri-Mon 00:00-24:00", "2026-11-24 00:00", false)]
    [InlineData("sunday 10:00-11:00; TUE 10:00-11:00", "2026-11-24 10:30", true)]
    [InlineData("Mon 10:00-11:00, Tue 10:00-11:00", "2026-11-24 10:30", true)]
    [InlineData("18:00-08:00", "2026-11-22 20:00", true)] // every day
    [InlineData("12:00-00:00", "2026-11-22 23:59", true)]
    public void ItIsOpenByTheClockOfTheMachine(string window, string local, bool open) =>
        Assert.Equal(open, UptimeWindow.Parse(window, Zurich).IsOpen(In(Zurich, local)));

    [Theory]
    [InlineData("", "is empty")]
    [InlineData(" ; ", "is empty")]
    [InlineData("Mon 10:00-11:00;;Tue 10:00-11:00", "'' is not understood as an uptime window: it is empty")]
    [InlineData("Sat", "it has no hours; for the whole day write 'Sat 00:00-24:00'")]
    [InlineData("Mon,Wed 18:00-20:00", "'Mon' is not understood")]
    [InlineData("Mon-Fri 18:00-08:00 UTC", "more than days and hours")]
    [InlineData("Mon-Fri 18:00", "'18:00' is no time from-to")]
    [InlineData("Mon 8:00-18:00", "'8:00' is no time between 00:00 and 24:00")]
    [InlineData("Mon 08:60-18:00", "'08:60' is no time")]
    [InlineData("Mon 08:00-24:01", "'24:01' is no time")]
    [InlineData("Mon 24:00-08:00", "24:00 can only be an end")]
    [InlineData("Mon 08:00-08:00", "begins and ends at the same time")]
    [InlineData("Mo 08:00-18:00", "'Mo' is no day; days are Mon, Tue, Wed, Thu, Fri, Sat, Sun")]
    [InlineData("Mon-Wed-Fri 08:00-18:00", "'Mon-Wed-Fri' is neither a day nor days from-to")]
    [InlineData("Mon 08:00-18:00; tomorrow", "'tomorrow' is not understood")]
    public void ARefusalNamesThePartAndWhatIsAllowed(string window, string words)
    {
        var refusal = Assert.Throws<FormatException>(() => UptimeWindow.Parse(window, Zurich));
        Assert.Contains(words, refusal.Message);
        Assert.Contains("'Mon-Fri 18:00-08:00'", refusal.Message);
    }

    [Theory]
    [InlineData("00:00-24:00", null)]
    [InlineData("Sun-Tue 00:00-24:00; Wed-Sat 00:00-24:00", null)]
    [InlineData("Mon-Fri 18:00-08:00", 14.0)]
    [InlineData("Sat-Sun 00:00-24:00", 48.0)]
    [InlineData("Fri 18:00-24:00; Sat-Sun 00:00-24:00; Mon 00:00-08:00", 62.0)]
    public void TheLongestStretchGoesOverMidnightsAndTheEndOfTheWeek(string window, double? hours) =>
        Assert.Equal(hours, UptimeWindow.Parse(window, Zurich).LongestOpen?.TotalHours);

    [Fact]
    public void WhatIsAlwaysOpenNeverChanges() =>
        Assert.Null(UptimeWindow.Parse("Mon-Sun 00:00-24:00", Zurich).NextChange(In(Zurich, "2026-11-20 18:00")));

    [Fact]
    public void TheNextChangeIsToldInTheTimeOfTheMachine()
    {
        var next = UptimeWindow.Parse("Mon-Fri 18:00-08:00", Zurich).NextChange(In(Zurich, "2026-11-21 12:00"));
        Assert.Equal(In(Zurich, "2026-11-23 18:00"), next);
        Assert.Equal(TimeSpan.FromHours(1), next!.Value.Offset);
    }

    // Clocks go forward at 2:00, back at 3:00 (Zurich); by half an hour (Lord Howe); at midnight (Cairo); never (Kolkata).
    [Theory]
    [InlineData("Europe/Zurich", "2026-03-26")]
    [InlineData("Europe/Zurich", "2026-10-22")]
    [InlineData("Australia/Lord_Howe", "2026-04-02")]
    [InlineData("Australia/Lord_Howe", "2026-10-01")]
    [InlineData("Africa/Cairo", "2026-04-21")]
    [InlineData("Africa/Cairo", "2026-10-27")]
    [InlineData("Asia/Kolkata", "2026-06-01")]
    public void TheNextChangeIsWhereBeingOpenChangesAlsoWhenClocksAreChanged(string zone, string from)
    {
        var info = TimeZoneInfo.FindSystemTimeZoneById(zone);
        foreach (var text in new[] { "Mon-Fri 18:00-08:00", "02:30-02:45", "Sun 02:00-03:00; Thu 12:00-13:00", "00:15-23:45", "Fri 00:00-00:30;Thu-Fri 23:30-24:00" })
        {
            var window = UptimeWindow.Parse(text, info);
            var start = In(info, from + " 00:00");
            var minutes = Enumerable.Range(0, 6 * 24 * 60).Select(m => start.AddMinutes(m)).ToList();
            var changes = minutes.Where(m => window.IsOpen(m) != window.IsOpen(m.AddMinutes(-1))).ToList();
            Assert.NotEmpty(changes);
            foreach (var now in minutes.Where((_, i) => i % 7 == 0).Concat(changes).Where(m => m < changes[^1]))
                Assert.True(changes.First(c => c > now) == window.NextChange(now), $"{text} at {now}: {window.NextChange(now)}, not {changes.First(c => c > now)}");
        }
    }

    private static DateTimeOffset In(TimeZoneInfo zone, string local)
    {
        var time = DateTime.ParseExact(local, "yyyy-MM-dd HH:mm", null);
        return new(time, zone.GetUtcOffset(time));
    }
}
