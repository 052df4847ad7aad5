using Berth.Server.Proxy;

namespace Berth.Server.Tests.Proxy;

public sealed class LocalPathTests
{
    [Theory]
    [InlineData("/")]
    [InlineData("/lab/tree/a%20b?x=1&y=//z")]
    [InlineData("/a//b")]
    public void TakesPathsOfTheSameOrigin(string path) => Assert.True(LocalPath.IsValid(path));

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("lab")]
    [InlineData("//evil.example")]
    [InlineData("/\\evil.example")]
    [InlineData("\\\\evil.example")]
    [InlineData("/\t/evil.example")]
    [InlineData("https://evil.example")]
    [InlineData("javascript:alert(1)")]
    [InlineData("/a\r\nSet-Cookie: x=1")]
    [InlineData("/zürich")]
    public void RefusesWhatABrowserMayTakeForAnother(string? path) => Assert.False(LocalPath.IsValid(path));
}
