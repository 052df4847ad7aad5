using System.Text.Json;
using Berth.Contracts.Json;
using Berth.Contracts.Nodes;
using Berth.Fakes;
using Berth.Node;
using Berth.Providers.Docker;

namespace Berth.Providers.Tests.Nodes;

/// <summary>What a node measures of the machine that the tests run on, with its real engine.</summary>
public sealed class MachineTests : IDisposable
{
    // In memory: another file system than the engine's.
    private readonly DirectoryInfo _data = Directory.CreateDirectory(Path.Combine("/dev/shm", $"berth-test-{Guid.NewGuid():N}"));
    private readonly FakeNvidiaSmi _smi = new();

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        _smi.Dispose();
        _data.Delete(recursive: true);
    }

    [Fact]
    public async Task FreeDiskIsThatOfTheEngineNotOfTheNodesOwnFolder()
    {
        var engine = await EngineAsync();
        Assert.NotNull(engine.DataFolder);
        var free = new DriveInfo(engine.DataFolder).AvailableFreeSpace;
        var own = new DriveInfo(_data.FullName).AvailableFreeSpace;
        var told = (await MeasureAsync()).DiskFreeBytes;
        Assert.True(Math.Abs(told - free) < Math.Abs(told - own), $"{told} is told, {free} the engine has, {own} its own folder");
    }

    [Fact]
    public async Task GpusThatTheEngineCannotGiveAreNotOfferedAndItSaysWhy()
    {
        _smi.Says(FakeNvidiaSmi.Free);
        var (engine, facts) = (await EngineAsync(), await MeasureAsync());
        Assert.Equal(engine.NoGpus is null ? 1 : 0, facts.Gpus.Count);
        Assert.Equal(engine.NoGpus is { } why ? $"Its gpus cannot be given to sessions: {why}" : null, facts.GpuProblem);
        Assert.Null(facts.Problem);

        // Without gpus there is nothing to be said.
        _smi.Does("exit 6");
        Assert.Null((await MeasureAsync()).GpuProblem);
    }

    [Fact]
    public async Task WhatIsMeasuredDiffersWhereItsGpusDo()
    {
        _smi.Says(FakeNvidiaSmi.Free);
        var facts = await MeasureAsync();
        Assert.False(Machine.Differ(facts, facts with { MemoryFreeBytes = facts.MemoryFreeBytes - 1 }));
        Assert.True(Machine.Differ(facts, facts with { GpusUnknown = !facts.GpusUnknown }));
        Assert.True(Machine.Differ(facts, facts with { GpuProblem = "another" }));
    }

    [Fact]
    public async Task ItIsTimeToMeasureEvery20SecondsAndASecondAfterSomethingChanged()
    {
        var clock = new ManualClock(DateTimeOffset.UnixEpoch);
        Assert.False(await WithMachineAsync(clock, async machine =>
        {
            var due = machine.DueAsync(Ct);
            clock.Advance(TimeSpan.FromSeconds(19));
            Assert.False(due.IsCompleted);
            clock.Advance(TimeSpan.FromSeconds(1));
            Assert.False(await due.WaitAsync(Ct));

            machine.Changed();
            machine.Changed();
            due = machine.DueAsync(Ct);
            Assert.False(due.IsCompleted);
            clock.Advance(TimeSpan.FromSeconds(1));
            Assert.True(await due.WaitAsync(Ct));
            due = machine.DueAsync(Ct);
            clock.Advance(TimeSpan.FromSeconds(20));
            return await due.WaitAsync(Ct);
        }));
    }

    private static async Task<EngineInfo> EngineAsync()
    {
        using var docker = new DockerProvider(new DockerOptions { InstallationId = "none", AgentFolder = "", SessionsFolder = "", ImagesFolder = "" }, TimeProvider.System);
        return await docker.GetEngineAsync(Ct);
    }

    private Task<NodeFacts> MeasureAsync() => WithMachineAsync(TimeProvider.System, machine => machine.MeasureAsync(Ct));

    private async Task<T> WithMachineAsync<T>(TimeProvider time, Func<Machine, Task<T>> act)
    {
        await File.WriteAllTextAsync(
            Path.Combine(_data.FullName, NodeFiles.Settings), JsonSerializer.Serialize(new NodeSettings("https://berth", "lab1", new NodeOffer()), NodeJson.Default.NodeSettings), Ct);
        using var folder = NodeFolder.Open(_data.FullName, "");
        using var runtime = Runtime.Of(folder, time);
        return await act(new Machine(runtime, _smi.Gpus(), folder, time));
    }
}
