using Berth.Cli.Settings;

namespace Berth.Cli.Tests.Settings;

public sealed class SizesTests
{
    [Theory]
    [InlineData("4", 4.0)]
    [InlineData("4G", 4.0)]
    [InlineData("4gib", 4.0)]
    [InlineData("1.5 GB", 1.5)]
    [InlineData("512M", 0.5)]
    [InlineData("1T", 1024.0)]
    [InlineData("0", null)]
    [InlineData("-4G", null)]
    [InlineData("4K", null)]
    [InlineData("", null)]
    [InlineData("G", null)]
    [InlineData("1e3", null)]
    public void Sizes_are_gigabytes(string text, double? size) => Assert.Equal(size, Sizes.Gigabytes(text));

    [Theory]
    [InlineData("90", 90.0)]
    [InlineData("90s", 90.0)]
    [InlineData("5m", 300.0)]
    [InlineData("1.5h", 5400.0)]
    [InlineData("2d", 172800.0)]
    [InlineData("400d", null)]
    [InlineData("5x", null)]
    [InlineData("", null)]
    public void Spans_are_seconds(string text, double? seconds) => Assert.Equal(seconds, Sizes.Span(text)?.TotalSeconds);
}
