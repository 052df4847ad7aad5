using Berth.Core.Ids;

namespace Berth.Core.Tests.Ids;

public sealed class UlidTests
{
    [Fact]
    public void IdsAreValidAndDistinct()
    {
        var ids = Enumerable.Range(0, 1000).Select(_ => Ulid.New(TimeProvider.System)).ToList();
        Assert.All(ids, id => Assert.True(Ulid.IsValid(id), id));
        Assert.Equal(1000, ids.Distinct().Count());
    }

    /// <summary>The pair is the one of the specification's reference implementation.</summary>
    [Fact]
    public void AnIdBeginsWithItsTime() => Assert.StartsWith("01ARYZ6S41", Ulid.New(new At(1469918176385)), StringComparison.Ordinal);

    [Fact]
    public void IdsOfOneMillisecondSortByAge()
    {
        var clock = new At(1469918176386);
        var ids = Enumerable.Range(0, 1000).Select(_ => Ulid.New(clock)).ToList();
        Assert.Equal(ids.Order(StringComparer.Ordinal), ids);
    }

    private sealed class At(long milliseconds) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => DateTimeOffset.FromUnixTimeMilliseconds(milliseconds);
    }
}
