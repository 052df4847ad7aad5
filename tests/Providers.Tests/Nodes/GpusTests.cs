using System.Diagnostics;
using Berth.Fakes;
using Berth.Node;

namespace Berth.Providers.Tests.Nodes;

/// <summary>What a node makes of <c>nvidia-smi</c>, whose answers, failures and silence are a fake program's.</summary>
public sealed class GpusTests : IDisposable
{
    private readonly FakeNvidiaSmi _smi = new();

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public void Dispose() => _smi.Dispose();

    [Fact]
    public async Task WhatItSaysIsWhatThereIs()
    {
        _smi.Says(FakeNvidiaSmi.Free + "\n1, GPU-b, NVIDIA A100, 40960, 30000, 98", "GPU-b, 4242, 29900");
        var seen = await _smi.Gpus().LookAsync(Ct);
        Assert.Equal([("GPU-a", false), ("GPU-b", true)], seen.Gpus.Select(g => (g.Id, g.Busy)));
        Assert.Equal((null, false), (seen.Problem, seen.Unknown));
    }

    [Fact]
    public async Task WithoutTheProgramAndWhereItFindsNoneThereAreNone()
    {
        var none = new Gpus(TimeProvider.System) { Program = _smi.Program };
        Assert.Equal((0, null), ((await none.LookAsync(Ct)).Gpus.Count, (await none.LookAsync(Ct)).Problem));
        _smi.Does("echo No devices were found; exit 6");
        Assert.Equal((0, null, 2), ((await none.LookAsync(Ct)).Gpus.Count, (await none.LookAsync(Ct)).Problem, _smi.Starts));
    }

    [Fact]
    public async Task WhereItFailsItIsNotKnownWhichThereAre()
    {
        _smi.Does("echo \"NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.\"; exit 9");
        var seen = await _smi.Gpus().LookAsync(Ct);
        Assert.True(seen.Unknown);
        Assert.Equal("Which gpus it has cannot be told: nvidia-smi fails (NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver).", seen.Problem);
        _smi.Does("exit 255");
        Assert.Equal("Which gpus it has cannot be told: nvidia-smi fails (exit code 255).", (await _smi.Gpus().LookAsync(Ct)).Problem);
        File.SetUnixFileMode(_smi.Program, UnixFileMode.UserRead);
        Assert.StartsWith("Which gpus it has cannot be told: nvidia-smi cannot be run: ", (await _smi.Gpus().LookAsync(Ct)).Problem, StringComparison.Ordinal);
    }

    [Fact]
    public async Task WhereItDoesNotSayWhoComputesEveryGpuIsInUse()
    {
        _smi.Says(FakeNvidiaSmi.Free, "Unknown Error", processCode: 255);
        var seen = await _smi.Gpus().LookAsync(Ct);
        Assert.True(Assert.Single(seen.Gpus).Busy);
        Assert.Equal(("Who uses its gpus cannot be told: nvidia-smi fails (Unknown Error).", false), (seen.Problem, seen.Unknown));
    }

    [Fact]
    public async Task OneThatHangsIsEndedAndAskedAnew()
    {
        _smi.Does("exec sleep 600");
        var gpus = new Gpus(TimeProvider.System) { Program = _smi.Program, Within = TimeSpan.FromSeconds(0.3) };
        var seen = await gpus.LookAsync(Ct);
        Assert.Equal((true, "Which gpus it has cannot be told: nvidia-smi has not answered for 0.3 s."), (seen.Unknown, seen.Problem));
        Assert.Equal(1, _smi.Starts);
        _smi.Says(FakeNvidiaSmi.Free);
        await Eventually.TrueAsync(async () => (await gpus.LookAsync(Ct)).Gpus.Count == 1, "it answers again");
    }

    [Fact]
    public async Task AsLongAsOneThatCannotBeEndedIsThereNoOtherIsBegun()
    {
        _smi.Does("exec sleep 600");
        Process? hanging = null;
        // What the kernel does with a signal to one that waits for its driver.
        var gpus = new Gpus(TimeProvider.System) { Program = _smi.Program, Within = TimeSpan.FromSeconds(0.3), Kill = process => hanging = process };
        await gpus.LookAsync(Ct);
        for (var i = 0; i < 3; i++)
            Assert.Equal("Which gpus it has cannot be told: nvidia-smi hangs and cannot be ended. Its driver hangs: restart the machine.", (await gpus.LookAsync(Ct)).Problem);
        Assert.Equal(1, _smi.Starts);
        hanging!.Kill();
        _smi.Says(FakeNvidiaSmi.Free);
        await Eventually.TrueAsync(async () => (await gpus.LookAsync(Ct)).Gpus.Count == 1, "it is asked again once that one is gone");
    }
}
