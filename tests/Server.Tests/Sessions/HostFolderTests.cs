using Berth.Core.Sessions;
using Berth.Server.Problems;
using Berth.Server.Sessions;

namespace Berth.Server.Tests.Sessions;

/// <summary>Which folder a path of <c>--here</c> is, whatever it is dressed up as.</summary>
public sealed class HostFolderTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("berth-h-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public void LinksAreFollowedOnTheWayToItToo()
    {
        var real = _folder.CreateSubdirectory("real/work").FullName;
        Directory.CreateSymbolicLink(At("way"), At("real"));
        Directory.CreateSymbolicLink(At("real/again"), "../way/work");
        foreach (var path in new[] { "way/work", "way/work/", "way/./work", "real/again", "way/again/", "way/again/../work", "/real//work" })
            Assert.Equal(real, HostFolders.Resolve(_folder.FullName + "/" + path).Path);
    }

    [Fact]
    public void ARepositoryOfTheMachineIsNamedByItsRealPathToo()
    {
        var real = _folder.CreateSubdirectory("real/work").FullName;
        Directory.CreateSymbolicLink(At("way"), At("real"));
        Assert.Equal(real, HostFolders.Resolve(new Repository(At("way/work/"), "main")).Url);
        Assert.Equal("https://example.org/way", HostFolders.Resolve(new Repository("https://example.org/way")).Url);
        Assert.Equal("/nowhere", HostFolders.Resolve(new Repository("/nowhere")).Url);
    }

    [Theory]
    [InlineData("work")]
    [InlineData("")]
    [InlineData("~/work")]
    [InlineData("/nowhere")]
    [InlineData("/")]
    [InlineData("//")]
    [InlineData("/tmp/..")]
    [InlineData("/proc/self/root")]
    [InlineData("/proc/self/root/")]
    [InlineData("/proc/self/cwd/../../../../../../../../..")]
    [InlineData("/etc/passwd")]
    [InlineData("/tmp\0/x")]
    public void WhatIsNoFolderOrTheWholeMachineIsRefused(string path)
    {
        var refusal = Assert.Throws<ProblemException>(() => HostFolders.Resolve(path));
        Assert.Equal("host_folder", refusal.Field);
    }

    [Fact]
    public void LinksThatLeadToTheWholeMachineNowhereOrRoundAreRefused()
    {
        Directory.CreateSymbolicLink(At("all"), "/");
        Directory.CreateSymbolicLink(At("gone"), At("nothing"));
        Directory.CreateSymbolicLink(At("a"), At("b"));
        Directory.CreateSymbolicLink(At("b"), At("a"));
        _folder.CreateSubdirectory("co:lon");
        foreach (var path in new[] { "all", "all/", "gone", "a", "a/x", "co:lon" })
            Assert.Throws<ProblemException>(() => HostFolders.Resolve(At(path)));
    }

    private string At(string path) => Path.Combine(_folder.FullName, path);
}
