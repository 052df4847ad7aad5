using Berth.Fakes;
using Berth.Server.Agents;

namespace Berth.Server.Tests.Agents;

public sealed class HeapTrimTests
{
    [Fact]
    public void MemoryIsGivenBackOnceACrowdHasComeAndNotForAFew()
    {
        var clock = new ManualClock(DateTimeOffset.UnixEpoch);
        var trims = 0;
        using var trim = new HeapTrim(clock, () => trims++);
        Come(199);
        clock.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(0, trims);

        Come(1);
        for (var i = 0; i < 5; i++)
        {
            clock.Advance(TimeSpan.FromSeconds(9));
            Come(1);
        }
        Assert.Equal(0, trims);
        clock.Advance(TimeSpan.FromSeconds(10));
        Assert.Equal(1, trims);

        Come(199);
        clock.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(1, trims);

        void Come(int agents)
        {
            for (var i = 0; i < agents; i++)
                trim.Arrived();
        }
    }
}
