using Berth.Core.Agents;
using Berth.Core.Sessions;
using Berth.Providers.SessionFolders;

namespace Berth.Providers.Tests.SessionFolders;

public sealed class SessionFolderTests : IDisposable
{
    private const string Session = "01HZZZZZZZZZZZZZZZZZZZZZZZ";
    private readonly DirectoryInfo _home = Directory.CreateTempSubdirectory("berth-f-");
    private readonly SessionFolder _folder;

    public SessionFolderTests() => _folder = new SessionFolder(Path.Combine(_home.FullName, "s"));

    public void Dispose() => _home.Delete(recursive: true);

    [Fact]
    public void WhatACrashHasLeftOfAWriteGoesWithWhatWasWritten()
    {
        _folder.Write(Order(1), "secret");
        _folder.WriteNote(Session, "image", [1]);
        foreach (var draft in (string[])["order.json.0a1b2c3d", "token.0a1b2c3d", "image.0a1b2c3d", "agent.sock"])
            File.WriteAllText(Path.Combine(_folder.PathOf(Session), draft), "half");

        _folder.Remove(new SessionKey(Session, 1));
        Assert.Equal(["agent.sock", "image", "image.0a1b2c3d"], Files());

        _folder.Forget(Session, "image");
        Assert.Equal(["agent.sock"], Files());
        File.Delete(Path.Combine(_folder.PathOf(Session), "agent.sock"));
        _folder.Forget(Session);
        Assert.False(Directory.Exists(_folder.PathOf(Session)));
    }

    [Fact]
    public void AnOrderThatALossOfPowerLeftEmptyIsNoneAndIsTakenBack()
    {
        _folder.Write(Order(1), "secret");
        File.WriteAllText(Path.Combine(_folder.PathOf(Session), AgentFiles.Order), "");

        Assert.Null(_folder.Read(Session));
        _folder.Remove(new SessionKey(Session, 1));
        Assert.Empty(Files());
    }

    [Fact]
    public void WhatALaterStartWasToldIsNotTakenBackWithAnEarlierOne()
    {
        _folder.Write(Order(1), "first");
        _folder.Write(Order(2), "second");

        _folder.Remove(new SessionKey(Session, 1));

        Assert.Equal(2, _folder.Read(Session)!.Generation);
        Assert.Equal("second", File.ReadAllText(Path.Combine(_folder.PathOf(Session), AgentFiles.Token)));
        Assert.Equal([AgentFiles.Order, AgentFiles.Token], Files());
        _folder.Remove(new SessionKey(Session, 2));
        Assert.Null(_folder.Read(Session));
    }

    [Fact]
    public void TheSessionMayReadItsFilesAndNobodyElseComesNearThem()
    {
        Directory.CreateDirectory(Path.Combine(_home.FullName, "s"), UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.OtherExecute);

        _folder.Write(Order(1), "secret");

        Assert.Equal("700", Mode(Path.Combine(_home.FullName, "s")));
        Assert.Equal("755", Mode(_folder.PathOf(Session)));
        Assert.All(Files(), file => Assert.Equal("644", Mode(Path.Combine(_folder.PathOf(Session), file!))));
    }

    [Theory]
    [InlineData("")]
    [InlineData("..")]
    [InlineData("a/b")]
    public void WhatIsNoIdOfASessionIsNoFolder(string id) => Assert.Throws<ArgumentException>(() => _folder.PathOf(id));

    private static string Mode(string path) => Convert.ToString((int)File.GetUnixFileMode(path), 8);

    private static AgentOrder Order(int generation) =>
        new() { SessionId = Session, Generation = generation, Server = "unix:/berth-session/agent.sock", MountDirectory = "/work", Port = 8888 };

    private List<string?> Files() => [.. Directory.EnumerateFileSystemEntries(_folder.PathOf(Session)).Select(Path.GetFileName).Order(StringComparer.Ordinal)];
}
