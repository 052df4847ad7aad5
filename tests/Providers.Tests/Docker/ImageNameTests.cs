using Berth.Core.Providers;
using Berth.Core.Sessions;
using Berth.Providers.Docker;

namespace Berth.Providers.Tests.Docker;

public sealed class ImageNameTests
{
    private const string Digest = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    [Theory]
    [InlineData("debian", "debian:latest")]
    [InlineData("debian:13", "debian:13")]
    [InlineData("quay.io/jupyter/minimal-notebook", "quay.io/jupyter/minimal-notebook:latest")]
    [InlineData("localhost:5000/a/b", "localhost:5000/a/b:latest")]
    [InlineData("LOCALHOST:5000/a/b:Tag_1.2", "LOCALHOST:5000/a/b:Tag_1.2")]
    [InlineData("a__b/c-d.e@" + Digest, "a__b/c-d.e@" + Digest)]
    [InlineData("a:1@" + Digest, "a:1@" + Digest)]
    [InlineData("[::1]:5000/a", "[::1]:5000/a:latest")]
    [InlineData(Digest, Digest)]
    public void ANameIsReadAndHasATag(string text, string expected) => Assert.Equal(expected, ImageName.Parse(text).Text);

    [Theory]
    [InlineData("")]
    [InlineData(" debian")]
    [InlineData("Debian")]
    [InlineData("debian:")]
    [InlineData("debian:ä")]
    [InlineData("debian\n")]
    [InlineData("../containers/json")]
    [InlineData("a/../b")]
    [InlineData("a//b")]
    [InlineData("a?b=c")]
    [InlineData("a%2fb")]
    [InlineData("a#b")]
    [InlineData("http://registry/a")]
    [InlineData("a@sha256:12")]
    public void WhatIsNoNameIsRefusedByName(string text)
    {
        var refusal = Assert.Throws<ProviderException>(() => ImageName.Parse(text));
        Assert.Equal(Reason.ImageNotFound, refusal.Reason);
        Assert.Contains($"“{text}”", refusal.Message);
    }

    [Fact]
    public void AVeryLongNameIsRefusedInFewWords() =>
        Assert.InRange(Assert.Throws<ProviderException>(() => ImageName.Parse(new string('a', 100_000))).Message.Length, 1, 300);
}
