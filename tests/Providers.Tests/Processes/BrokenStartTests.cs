using System.Diagnostics;
using Berth.Core.Agents;
using Berth.Core.Ids;
using Berth.Core.Providers;
using Berth.Core.Sessions;
using Berth.Fakes;
using Berth.Providers.Processes;

namespace Berth.Providers.Tests.Processes;

/// <summary>Starts that are cut short or overtaken by a stop, in real bubblewrap behind a script that holds it up.</summary>
public sealed class BrokenStartTests : IAsyncDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("berth-b-");
    private readonly StartOrder _order = Order();

    public BrokenStartTests()
    {
        StandInAgent.WriteTo(_folder.CreateSubdirectory("agent").FullName);
        using var made = Process.Start("mkfifo", At("gate"));
        made.WaitForExit();
        Script("held-up", $"read _ <{At("gate")}\nexec bwrap \"$@\"");
    }

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private Run Run => new(Path.Combine(At("data/runs"), _order.Key.ForeignName), _order.Key);

    public async ValueTask DisposeAsync()
    {
        foreach (var process in Processes())
            process.Kill();
        await Eventually.TrueAsync(() => Processes().Count == 0, "all has ended");
        _folder.Delete(recursive: true);
    }

    [Fact]
    public async Task WhatAKilledNodeHadJustBegunIsEndedByTheNextOnesStop()
    {
        var start = await BeginAsync();
        using var next = Make("bwrap", TimeProvider.System);
        var stop = next.StopAsync(_order.Key, StopMode.DeleteWorkspace, Ct);
        await OpenGateAsync();
        await stop;
        await NothingIsLeftAsync(start);
    }

    [Fact]
    public async Task WhatAKilledNodeHadJustBegunIsNotBegunASecondTime()
    {
        var start = await BeginAsync();
        using var next = Make("bwrap", TimeProvider.System);
        var again = next.StartAsync(_order, new Progress<StageReport>(), Ct);
        await OpenGateAsync();
        await again;
        await start;
        Assert.Equal(ForeignState.Running, Run.Observe().State);
        Assert.Single(Processes(), process => Says(process, "cmdline", "flock --wait"));
        await next.StopAsync(_order.Key, StopMode.DeleteWorkspace, Ct);
        await NothingIsLeftAsync(start);
    }

    [Fact]
    public async Task WhatHangsBeforeItsFirstProcessIsEndedToo()
    {
        var start = await BeginAsync();
        var clock = new ManualClock(DateTimeOffset.UnixEpoch);
        using var next = Make("bwrap", clock);
        var stop = next.StopAsync(_order.Key, StopMode.DeleteWorkspace, Ct);
        await Eventually.TrueAsync(
            () =>
            {
                clock.Advance(TimeSpan.FromMilliseconds(200));
                return stop.IsCompleted;
            },
            "it is ended", TimeSpan.FromSeconds(30));
        await stop;
        await NothingIsLeftAsync(start);
    }

    [Fact]
    public async Task WhereBubblewrapIsKilledBeforeItsChildWouldEndWithItNothingGoesOnAlone()
    {
        using var provider = await HeldUpInsideAsync();
        var parent = Assert.Single(Processes(), process => process.ProcessName == "bwrap" && process.Id != Run.Read().Process);
        parent.Kill();
        await Eventually.TrueAsync(() => !Run.IsHeld(), "it is seen to have ended");
        await OpenGateAsync();
        await Eventually.TrueAsync(() => Processes().Count == 0, "no process of it is left");
    }

    [Fact]
    public async Task AnEndBeforeItsFirstProgramBeginsIsToldWithHowItEnded()
    {
        using var provider = await HeldUpInsideAsync();
        await using var changes = provider.WatchAsync(Ct).GetAsyncEnumerator(Ct);
        var next = changes.MoveNextAsync();
        Process.GetProcessById(Run.Read().Process!.Value).Kill();
        Assert.True(await next.AsTask().WaitAsync(TimeSpan.FromSeconds(30), Ct));
        Assert.Equal((_order.Key, 137), (changes.Current, Run.Observe().ExitCode));
    }

    [Fact]
    public async Task WhatAStartAndItsStopRemoveAtTheSameTimeIsRemoved()
    {
        for (var attempt = 0; attempt < 20; attempt++)
        {
            Directory.CreateDirectory(Run.Folder);
            for (var i = 0; i < 100; i++)
                await File.WriteAllTextAsync(Path.Combine(Run.Folder, $"{i}"), "", Ct);
            await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(Run.Delete, Ct)));
            Assert.False(Directory.Exists(Run.Folder));
        }
    }

    [Fact]
    public async Task AStopThatComesWhileItsStartIsPreparedEndsIt()
    {
        using var provider = Make("bwrap", TimeProvider.System);
        var stop = Task.CompletedTask;
        await provider.StartAsync(_order, new Told(() => stop = provider.StopAsync(_order.Key, StopMode.DeleteWorkspace, Ct)), Ct);
        await stop;
        await NothingIsLeftAsync(Task.CompletedTask);
    }

    /// <summary>A start as a node leaves it that is killed: bubblewrap has not said yet which process is the first.</summary>
    private async Task<Task> BeginAsync()
    {
        var start = Make(At("held-up"), TimeProvider.System).StartAsync(_order, new Progress<StageReport>(), Ct);
        await Eventually.TrueAsync(Run.IsHeld, "it has begun");
        Assert.Null(Run.Read().Process);
        return start;
    }

    /// <summary>A start whose first process is there and waits, before it begins its program.</summary>
    private async Task<ProcessProvider> HeldUpInsideAsync()
    {
        Script("held-up", $"exec 9<>{At("gate")}\nexec bwrap --block-fd 9 \"$@\"");
        var provider = Make(At("held-up"), TimeProvider.System);
        await provider.StartAsync(_order, new Progress<StageReport>(), Ct);
        return provider;
    }

    private void Script(string name, string text)
    {
        File.WriteAllText(At(name), $"#!/bin/sh\n{text}\n");
        File.SetUnixFileMode(At(name), UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }

    private async Task OpenGateAsync() => await File.WriteAllTextAsync(At("gate"), "go\n", Ct);

    private async Task NothingIsLeftAsync(Task start)
    {
        await start.WaitAsync(TimeSpan.FromSeconds(30), Ct).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await Eventually.TrueAsync(() => Processes().Count == 0, "no process of it is left");
        Assert.False(Directory.Exists(Run.Folder));
    }

    // All have the folder on their command line, but the session's own: these have it mounted.
    private List<Process> Processes() => [.. Process.GetProcesses().Where(process => Says(process, "cmdline", _folder.FullName) || Says(process, "mountinfo", _folder.FullName))];

    private static bool Says(Process process, string file, string words)
    {
        try
        {
            return File.ReadAllText($"/proc/{process.Id}/{file}").Contains(words, StringComparison.Ordinal);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    private ProcessProvider Make(string bubblewrap, TimeProvider time) => new(
        new ProcessOptions { AgentFolder = At("agent"), SessionsFolder = At("data/s"), DataFolder = At("data"), Bubblewrap = bubblewrap }, time);

    private static StartOrder Order()
    {
        var key = new SessionKey(Ulid.New(TimeProvider.System), 1);
        var spec = new SessionSpec { Image = "none", Command = ["stay"], Resources = new SessionResources(0.5, 256L << 20, 0, GpuRequest.None) };
        var agent = new AgentOrder { SessionId = key.SessionId, Generation = 1, Server = "unix:/berth-session/agent.sock", MountDirectory = spec.MountDirectory, Port = spec.Port, GraceSeconds = 2 };
        return new StartOrder(key, spec, agent, "token", new Dictionary<string, string>());
    }

    private string At(string name) => Path.Combine(_folder.FullName, name);

    private sealed class Told(Action then) : IProgress<StageReport>
    {
        public void Report(StageReport value) => then();
    }
}
