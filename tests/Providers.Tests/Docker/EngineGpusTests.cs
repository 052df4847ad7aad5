using System.Text.Json;
using Berth.Providers.Docker;

namespace Berth.Providers.Tests.Docker;

/// <summary>Which engines can give gpus to containers, by what they say of themselves and what is installed beside them.</summary>
public sealed class EngineGpusTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("berth-test-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Theory]
    [InlineData("""{"Runtimes":{"runc":{"path":"runc"}}}""")]
    [InlineData("""{"Runtimes":null,"DiscoveredDevices":[{"Source":"cdi","ID":"vendor.com/disk=0"},{"Source":"cdi"}]}""")]
    [InlineData("{}")]
    public void DockerWithoutTheToolkitGivesNone(string info) =>
        Assert.Equal("Docker 26.1.5 has no NVIDIA Container Toolkit. Install it, and restart Docker.", WhyNone(info));

    [Theory]
    [InlineData("""{"Runtimes":{"nvidia":{"path":"nvidia-container-runtime","runtimeArgs":[]},"runc":{"path":"runc"}}}""")]
    [InlineData("""{"DiscoveredDevices":[{"Source":"cdi","ID":"nvidia.com/gpu=0"}]}""")]
    public void DockerThatKnowsOfNvidiaGivesThem(string info) => Assert.Null(WhyNone(info));

    [Fact]
    public void DockerFindsTheToolkitByTheProgramThatItLooksFor()
    {
        File.WriteAllText(Path.Combine(_folder.FullName, "nvidia-container-runtime-hook"), "");
        Assert.Null(WhyNone("{}"));
    }

    [Fact]
    public void OfAnEngineOnAnotherMachineNothingIsKnown() => Assert.Null(WhyNone("{}", isHere: false));

    [Fact]
    public void PodmanGivesNoneWhateverIsInstalled() => Assert.Equal(
        "Podman 26.1.5 gives none through Docker's API. Use Docker for sessions with gpus.", WhyNone("""{"Runtimes":{"nvidia":{}}}""", podman: true));

    // As read from the engine, on a machine that may have the toolkit itself.
    private string? WhyNone(string info, bool isHere = true, bool podman = false)
    {
        Assert.SkipWhen(File.Exists("/usr/bin/nvidia-container-runtime-hook"), "this machine has the toolkit");
        return EngineGpus.WhyNone(
            new EngineInfo("unix:///a", "26.1.5", "lab1", "linux/amd64", 4, 1) { IsPodman = podman }, JsonSerializer.Deserialize(info, DockerJson.Default.InfoReply)!, isHere, _folder.FullName);
    }
}
