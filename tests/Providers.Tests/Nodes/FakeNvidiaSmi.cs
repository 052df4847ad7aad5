using Berth.Node;

namespace Berth.Providers.Tests.Nodes;

/// <summary>A program in the place of <c>nvidia-smi</c>, which says what a test has it say, fails, or hangs.</summary>
internal sealed class FakeNvidiaSmi : IDisposable
{
    public const string Free = "0, GPU-a, NVIDIA A100, 40960, 3, 0", Busy = "0, GPU-a, NVIDIA A100, 40960, 30000, 98";

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("berth-gpu-");

    public string Program => Path.Combine(_folder.FullName, "nvidia-smi");

    /// <summary>How often it was begun.</summary>
    public int Starts => File.Exists(At("starts")) ? File.ReadAllLines(At("starts")).Length : 0;

    public Gpus Gpus() => new(TimeProvider.System) { Program = Program, Settles = TimeSpan.Zero };

    /// <summary>What both questions are answered with.</summary>
    public void Says(string gpus, string processes = "", int processCode = 0)
    {
        File.WriteAllText(At("gpus"), gpus.Length == 0 ? "" : gpus + "\n");
        File.WriteAllText(At("processes"), processes.Length == 0 ? "" : processes + "\n");
        Does($"case $1 in --query-gpu=*) cat '{At("gpus")}';; *) cat '{At("processes")}'; exit {processCode};; esac");
    }

    /// <summary>What it does, as a shell script.</summary>
    public void Does(string script)
    {
        // Written beside and moved: a program that runs cannot be written to.
        File.WriteAllText(At("new"), $"#!/bin/sh\necho >>'{At("starts")}'\n{script}\n");
        File.SetUnixFileMode(At("new"), UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        File.Move(At("new"), Program, overwrite: true);
    }

    public void Dispose() => _folder.Delete(recursive: true);

    private string At(string name) => Path.Combine(_folder.FullName, name);
}
