using Berth.Server.Web;

namespace Berth.Server.Tests.Web;

public sealed class WordsTests
{
    [Theory]
    [InlineData(-5, "0 s")]
    [InlineData(59.4, "59 s")]
    [InlineData(60, "1 min")]
    [InlineData(125, "2 min 5 s")]
    [InlineData(605, "10 min")]
    [InlineData(3600, "1 h")]
    [InlineData(86399, "23 h 59 min")]
    [InlineData(90000, "1 d 1 h")]
    public void ADurationIsSaidInAtMostTwoUnits(double seconds, string words) =>
        Assert.Equal(words, Words.Span(TimeSpan.FromSeconds(seconds)));

    [Theory]
    [InlineData("40 % of 512 MB", 40d)]
    [InlineData("100%", 100d)]
    [InlineData("cloning 40 % of it", null)]
    [InlineData("400 %", null)]
    [InlineData(null, null)]
    public void AProgressBarIsShownForADetailThatBeginsWithAPercentage(string? detail, double? percent) =>
        Assert.Equal(percent, Words.Percent(detail));
}
