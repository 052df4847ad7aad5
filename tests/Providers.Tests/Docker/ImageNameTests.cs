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
    [InlineData(Digest)]
    [InlineData("sha256:0123456789ab")]
    public void WhatIsNoNameIsRefusedByName(string text)
    {
        var refusal = Assert.Throws<ProviderException>(() => ImageName.Parse(text));
        Assert.Equal(Reason.ImageNotFound, refusal.Reason);
        Assert.Contains($"“{text}”", refusal.Message);
    }

    [Theory]
    [InlineData("debian", "docker.io", "library/debian", "latest")]
    [InlineData("jane/lab:1", "docker.io", "jane/lab", "1")]
    [InlineData("index.docker.io/jane/lab", "docker.io", "jane/lab", "latest")]
    [InlineData("localhost/jane/lab", "localhost", "jane/lab", "latest")]
    [InlineData("ghcr.io/jane/lab:1@" + Digest, "ghcr.io", "jane/lab", Digest)]
    [InlineData("[::1]:5000/a", "[::1]:5000", "a", "latest")]
    public void ANameHasARegistryARepositoryAndATagOrDigest(string text, string host, string repository, string reference)
    {
        var name = ImageName.Parse(text);
        Assert.Equal((host, repository, reference), (name.Host, name.Repository, name.Reference));
    }

    [Fact]
    public void ADigestOfAnEngineBelongsToTheRepositoryHoweverItIsSpelled()
    {
        Assert.True(ImageName.Parse("debian").Owns("debian@" + Digest));
        Assert.True(ImageName.Parse("debian").Owns("docker.io/library/debian@" + Digest));
        Assert.False(ImageName.Parse("debian").Owns("ghcr.io/library/debian@" + Digest));
    }

    [Fact]
    public void AVeryLongNameIsRefusedInFewWords() =>
        Assert.InRange(Assert.Throws<ProviderException>(() => ImageName.Parse(new string('a', 100_000))).Message.Length, 1, 300);
}
