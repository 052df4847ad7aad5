using System.Net;
using System.Net.Sockets;
using System.Text;
using Berth.Core.Sessions;
using Berth.Fakes;
using Berth.Server.Tests.Agents;

namespace Berth.Providers.Tests.Agent;

/// <summary>The agent as a process of this machine, against the real hub: what it prepares, watches and says.</summary>
public sealed class SessionTests : AgentProcessTests
{
    [Fact]
    public async Task ACommandThatEndsAtOnceLeavesItsLogAndItsExitCode()
    {
        Start(["sh", "-c", "echo out; echo err >&2; exit 3"]);
        Assert.Equal(3, await ExitCodeAsync());
        Assert.Equal((3, false, null), (Report!.ExitCode, Report.Ready, Report.Failure));
        Assert.Equal("out\nerr\n", Log);
    }

    [Fact]
    public async Task ASignalThatEndsTheFrontEndIsTold()
    {
        Start(["sh", "-c", "kill -SEGV $$"]);
        Assert.Equal(128 + 11, await ExitCodeAsync());
    }

    [Fact]
    public async Task WhatIgnoresTheEndIsKilledAfterTheGraceTime()
    {
        Start(["sh", "-c", "trap '' TERM; echo deaf; while :; do sleep 1; done"], order => order with { GraceSeconds = 1 });
        await Eventually.TrueAsync(() => Log == "deaf\n", "it runs");
        await AgentImages.RunAsync("kill", "-TERM", $"{AgentPid}");
        Assert.Equal(128 + 9, await ExitCodeAsync());
    }

    [Fact]
    public async Task AFrontEndThatWasToldToEndAndEndedWellHasNotFinished()
    {
        Start(["sh", "-c", "trap 'exit 0' TERM; echo up; while :; do sleep 0.1; done"]);
        await Eventually.TrueAsync(() => Log == "up\n", "it runs");
        await AgentImages.RunAsync("kill", "-TERM", $"{AgentPid}");
        Assert.Equal(128 + 15, await ExitCodeAsync());
        Assert.Equal(("killed", "signal 15"), (Report!.Failure, Report.Detail));
    }

    [Fact]
    public async Task SignalsReachTheWholeGroupOfTheFrontEnd()
    {
        Start(["sh", "-c", "trap 'echo hup' HUP; echo up; while :; do sleep 0.1; done"]);
        await Eventually.TrueAsync(() => Log == "up\n", "it runs");
        await AgentImages.RunAsync("kill", "-HUP", $"{AgentPid}");
        await Eventually.TrueAsync(() => Log.Contains("hup\n", StringComparison.Ordinal), "the signal arrived");
        await AgentImages.RunAsync("kill", "-TERM", $"{AgentPid}");
        Assert.Equal(128 + 15, await ExitCodeAsync());
    }

    [Fact]
    public async Task OrphansAreReaped()
    {
        Start(["sh", "-c", "(sleep 0.1 & echo $! >orphan); sleep 60"]);
        var file = Path.Combine(Workspace, "orphan");
        await Eventually.TrueAsync(() => File.Exists(file) && File.ReadAllText(file).EndsWith('\n'), "it has an orphan");
        var orphan = (await File.ReadAllTextAsync(file, Ct)).Trim();
        await Eventually.TrueAsync(() => !Directory.Exists($"/proc/{orphan}"), "the orphan is gone, not a zombie");
    }

    [Fact]
    public async Task AFrontEndOnAnotherPortIsToldApartFromASlowOne()
    {
        using var other = new TcpListener(IPAddress.Loopback, 0);
        other.Start();
        Start(["sleep", "60"]);
        await Eventually.TrueAsync(() => Report?.Detail?.Contains("something listens on", StringComparison.Ordinal) == true, "it looks around");
        Assert.StartsWith("waiting for an answer on port", Report!.Detail, StringComparison.Ordinal);
        Assert.False(Report.Ready);
    }

    [Fact]
    public async Task AnOpenPortThatDoesNotSpeakHttpIsNotReady()
    {
        using var mute = new TcpListener(IPAddress.Loopback, 0);
        mute.Start();
        _ = Task.Run(async () =>
        {
            while (true)
            {
                using var client = await mute.AcceptTcpClientAsync(Ct);
                await client.GetStream().WriteAsync("SSH-2.0-something\r\n"u8.ToArray(), Ct);
            }
        }, Ct);
        Start(["sleep", "60"], order => order with { Port = ((IPEndPoint)mute.LocalEndpoint).Port });
        await Eventually.TrueAsync(() => Report?.Detail?.Contains("does not answer HTTP", StringComparison.Ordinal) == true, "it says so");
        Assert.False(Report!.Ready);
    }

    [Fact]
    public async Task ARepositoryIsClonedOnceWithItsSubmodulesAndCommit()
    {
        var library = await RepositoryAsync("library", "lib.txt");
        var repository = await RepositoryAsync("project", "old.txt");
        await AgentImages.RunAsync("git", "-C", repository, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", library, "library");
        await CommitAsync(repository);
        var commit = await AgentImages.RunAsync("git", "-C", repository, "rev-parse", "HEAD");
        await File.WriteAllTextAsync(Path.Combine(repository, "new.txt"), "new", Ct);
        await CommitAsync(repository);

        Start(["ls", "project", "project/library"], order => order with { Repositories = [new Repository(repository, Commit: commit)] });
        Assert.Equal(0, await ExitCodeAsync());
        Assert.Empty(Report!.Notices);
        Assert.True(File.Exists(Path.Combine(Workspace, "project/old.txt")));
        Assert.True(File.Exists(Path.Combine(Workspace, "project/library/lib.txt")));
        Assert.False(File.Exists(Path.Combine(Workspace, "project/new.txt")));

        await File.WriteAllTextAsync(Path.Combine(Workspace, "project/old.txt"), "my work", Ct);
        Start(["true"], order => order with { Repositories = [new Repository(repository)] });
        Assert.Equal(0, await ExitCodeAsync());
        Assert.Equal("my work", await File.ReadAllTextAsync(Path.Combine(Workspace, "project/old.txt"), Ct));
    }

    [Fact]
    public async Task ACloneThatFailsIsANoticeInGitsWordsAndTheSessionStarts()
    {
        Start(["echo", "started"], order => order with
        {
            Repositories = [new Repository("/nowhere/project.git"), new Repository("http://user:secret@127.0.0.1:1/other.git")],
        });
        Assert.Equal(0, await ExitCodeAsync());
        Assert.Contains("started\n", Log, StringComparison.Ordinal);
        Assert.Equal(2, Report!.Notices.Count);
        Assert.StartsWith("/nowhere/project.git was not cloned: repository '/nowhere/project.git' does not exist", Report.Notices[0], StringComparison.Ordinal);
        Assert.StartsWith("http://127.0.0.1:1/other.git was not cloned:", Report.Notices[1], StringComparison.Ordinal);
        Assert.DoesNotContain("secret", Log + string.Concat(Report.Notices), StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateDirectories(Workspace, ".berth-clone-*"));
    }

    [Fact]
    public async Task WithoutGitInTheImageTheSessionStartsAndSaysSo()
    {
        Start(["/bin/echo", "started"], order => order with
        {
            Repositories = [new Repository("https://example.org/project.git")],
            Environment = new Dictionary<string, string> { ["PATH"] = "/nowhere" },
        });
        Assert.Equal(0, await ExitCodeAsync());
        Assert.Equal("https://example.org/project.git was not cloned: the image has no git.", Assert.Single(Report!.Notices));
    }

    [Fact]
    public async Task AStopDuringACloneEndsItAndLeavesNothingHalf()
    {
        using var silent = new TcpListener(IPAddress.Loopback, 0);
        silent.Start();
        var url = $"http://127.0.0.1:{((IPEndPoint)silent.LocalEndpoint).Port}/project.git";
        Start(["true"], order => order with { Repositories = [new Repository(url)] });
        using var asked = await silent.AcceptTcpClientAsync(Ct);
        await AgentImages.RunAsync("kill", "-TERM", $"{AgentPid}");
        Assert.Equal(128 + 15, await ExitCodeAsync());
        Assert.Empty(Directory.EnumerateDirectories(Workspace, "*project*"));
    }

    [Fact]
    public async Task TheFrontEndGetsItsVariablesFolderAndAHomeItCanWrite()
    {
        Start(["sh", "-c", "echo $GREETING $PWD $HOME; test -w $HOME"], order => order with
        {
            Environment = new Dictionary<string, string> { ["GREETING"] = "hello", ["HOME"] = "/nowhere" },
        });
        Assert.Equal(0, await ExitCodeAsync());
        Assert.Equal($"hello {Workspace} {Workspace}/.berth/home\n", Log);
    }

    [Fact]
    public async Task AWorkspaceThatIsNotThereIsANotice()
    {
        Start(["true"], order => order with { MountDirectory = "/nowhere", WorkingDirectory = "/" });
        Assert.Equal(0, await ExitCodeAsync());
        Assert.Contains("/nowhere does not exist", Assert.Single(Report!.Notices), StringComparison.Ordinal);
    }

    [Fact]
    public async Task AServerThatComesBackGetsTheStateAndTheLogItMissed()
    {
        Start(["sh", "-c", "echo before; while [ ! -e go ]; do sleep 0.05; done; echo after; sleep 60"]);
        await Eventually.TrueAsync(() => Log == "before\n", "the first line arrived");
        await Server.StopAsync();
        await File.WriteAllTextAsync(Path.Combine(Workspace, "go"), "", Ct);

        await using var next = await AgentServer.StartAsync(Server.DataFolder);
        next.Expect(Id);
        await Eventually.TrueAsync(() => next.Hub.LastReport(Key)?.Stage == "starting", "the state is there again");
        await Eventually.TrueAsync(() => Encoding.UTF8.GetString(next.Logs.ReadTail(Key, 10)) == "before\nafter\n", "the log is complete");
    }

    private async Task<string> RepositoryAsync(string name, string file)
    {
        var folder = Path.Combine(Folder.FullName, name);
        await AgentImages.RunAsync("git", "init", "--quiet", folder);
        await File.WriteAllTextAsync(Path.Combine(folder, file), name, Ct);
        await CommitAsync(folder);
        return folder;
    }

    private static async Task CommitAsync(string folder)
    {
        await AgentImages.RunAsync("git", "-C", folder, "add", ".");
        await AgentImages.RunAsync("git", "-C", folder, "-c", "user.name=t", "-c", "user.email=t@example.org", "commit", "--quiet", "--message", "x");
    }
}
