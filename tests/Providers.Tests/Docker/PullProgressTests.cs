using Berth.Core.Providers;
using Berth.Fakes;
using Berth.Providers.Docker;

namespace Berth.Providers.Tests.Docker;

public sealed class PullProgressTests : IProgress<StageReport>
{
    private readonly ManualClock clock = new(DateTimeOffset.UnixEpoch);
    private readonly List<string?> heard = [];

    void IProgress<StageReport>.Report(StageReport value) => heard.Add(value.Detail);

    [Fact]
    public void LayersAreAddedUpAndUnpackedAfterwards()
    {
        var progress = new PullProgress(this, clock);
        Say(progress, new("latest", "Pulling from library/debian", null, null));
        Say(progress, new("a", "Downloading", new(100_000_000, 400_000_000), null));
        Say(progress, new("b", "Downloading", new(100_000_000, 112_000_000), null));
        Say(progress, new("a", "Download complete", null, null));
        Say(progress, new("b", "Download complete", null, null));
        Say(progress, new("a", "Extracting", new(200_000_000, 400_000_000), null));
        Say(progress, new("a", "Pull complete", null, null));
        Say(progress, new("b", "Pull complete", null, null));
        Assert.Equal(
            ["25 % of 400 MB", "39 % of 512 MB", "97 % of 512 MB", "unpacking, 0 % of 512 MB", "unpacking, 39 % of 512 MB",
                "unpacking, 78 % of 512 MB", "unpacking, 100 % of 512 MB"],
            heard);
    }

    [Fact]
    public void TheShareNeverFallsWhenMoreBecomesKnown()
    {
        var progress = new PullProgress(this, clock);
        Say(progress, new("a", "Downloading", new(50, 100_000), null));
        Say(progress, new("a", "Downloading", new(90_000, 100_000), null));
        Say(progress, new("b", "Downloading", new(0, 900_000), null));
        Assert.Equal(["0 % of 100 kB", "90 % of 100 kB", "90 % of 1 MB"], heard);
    }

    [Fact]
    public void ReportsComeAtMostFourTimesASecond()
    {
        var progress = new PullProgress(this, clock);
        for (var i = 0; i < 1000; i++)
        {
            progress.Add(new("a", "Downloading", new(i * 1000, 1_000_000), null));
            clock.Advance(TimeSpan.FromMilliseconds(2));
        }

        Assert.InRange(heard.Count, 7, 9);
    }

    private void Say(PullProgress progress, PullLine line)
    {
        progress.Add(line);
        clock.Advance(TimeSpan.FromSeconds(1));
    }
}
