using Berth.Core.Sessions;
using Berth.Providers.Docker;

namespace Berth.Providers.Tests.Docker;

public sealed class ImageUserTests
{
    private const string Passwd = "root:x:0:0::/root:/bin/sh\njane:x:1234:1235::/:\nbroken\nodd:x:a:b\n";

    private static readonly SessionSpec Spec = new() { Image = "a", Resources = new SessionResources(1, 1, 0, GpuRequest.None) };

    [Fact]
    public void TheFolderComesBeforeTheEnvironmentAndThatBeforeTheImage()
    {
        Assert.Null(ImageUser.Of(Spec, "jane"));
        Assert.Equal("5", ImageUser.Of(Spec with { Uid = 5 }, "jane"));
        Assert.Equal("5:6", ImageUser.Of(Spec with { Uid = 5, Gid = 6 }, "jane"));
        Assert.Equal("jane:6", ImageUser.Of(Spec with { Gid = 6 }, "jane:users"));
        Assert.Equal("0:6", ImageUser.Of(Spec with { Gid = 6 }, ""));
        Assert.Equal("7:8", ImageUser.Of(Spec with { Uid = 5, Gid = 6, HostFolder = new HostFolder("/x", 7, 8) }, "jane"));
    }

    [Theory]
    [InlineData(null, true)]
    [InlineData("", true)]
    [InlineData("0", true)]
    [InlineData("00:5", true)]
    [InlineData("root:users", true)]
    [InlineData(":5", true)]
    [InlineData("jane", false)]
    [InlineData("1000:0", false)]
    public void RootIsKnownByNameAndNumber(string? user, bool root) => Assert.Equal(root, ImageUser.IsRoot(user));

    [Theory]
    [InlineData("", 0, 0)]
    [InlineData("5", 5, null)]
    [InlineData("5:6", 5, 6)]
    [InlineData("5:users", 5, null)]
    [InlineData("jane", 1234, 1235)]
    [InlineData("jane:6", 1234, 6)]
    public async Task NamesAreLookedUpInTheImageAndNumbersAreNot(string user, int uid, int? gid)
    {
        var asked = 0;
        var users = new ImageUser();
        for (var i = 0; i < 2; i++)
        {
            var owner = await users.ResolveAsync("sha256:1", user, () =>
            {
                asked++;
                return Task.FromResult<string?>(Passwd);
            });
            Assert.Equal(new Owner(uid, gid), owner);
        }

        Assert.Equal(user.StartsWith('j') ? 1 : 0, asked);
    }

    [Theory]
    [InlineData("nobody-knows")]
    [InlineData("odd")]
    [InlineData("broken")]
    public async Task AnUnknownNameIsLeftToTheEngine(string user) =>
        Assert.Null(await new ImageUser().ResolveAsync("sha256:1", user, () => Task.FromResult<string?>(Passwd)));

    [Fact]
    public async Task AnImageWithoutPasswdFileKnowsNobody() =>
        Assert.Null(await new ImageUser().ResolveAsync("sha256:1", "jane", () => Task.FromResult<string?>(null)));
}
