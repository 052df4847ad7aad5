using System.Diagnostics;
using System.Runtime.CompilerServices;
using Berth.Providers.Tests.Agent;

[assembly: AssemblyFixture(typeof(AgentImages))]

namespace Berth.Providers.Tests.Agent;

/// <summary>The published agent, and images that hold next to nothing, each made from files and one small front end.</summary>
public sealed class AgentImages : IAsyncDisposable
{
    private readonly Lazy<Task> _made;
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("berth-images-");
    private readonly string _id = Guid.NewGuid().ToString("N")[..8];

    public AgentImages() => _made = new Lazy<Task>(MakeAsync);

    /// <summary>Nothing but a static program: no shell, no libc, no passwd.</summary>
    public string Empty => $"berth-test-{_id}:empty";

    /// <summary>musl's loader and a program that needs it.</summary>
    public string Musl => $"berth-test-{_id}:musl";

    /// <summary>glibc and a program that needs it; neither OpenSSL nor libstdc++.</summary>
    public string Glibc => $"berth-test-{_id}:glibc";

    /// <summary>The label of all that tests start.</summary>
    public string Label => $"berth.test={_id}";

    /// <summary>The agent as it is published.</summary>
    public string Bundle { get; private set; } = "";

    public Task ReadyAsync() => _made.Value;

    public async ValueTask DisposeAsync()
    {
        if (_made.IsValueCreated)
            await RunAsync("docker", "rmi", "--force", Empty, Musl, Glibc);
        _folder.Delete(recursive: true);
    }

    /// <summary>Runs a program to its end.</summary>
    /// <returns>What it printed.</returns>
    public static async Task<string> RunAsync(string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false };
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync();
        var output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        return process.ExitCode == 0
            ? output.Trim()
            : throw new InvalidOperationException($"{program} {string.Join(' ', arguments)} ended with {process.ExitCode}: {await errors}");
    }

    private static string SourceFolder([CallerFilePath] string file = "") => Path.GetDirectoryName(file)!;

    private async Task MakeAsync()
    {
        var root = Path.GetFullPath(Path.Combine(SourceFolder(), "../../.."));
        await RunAsync(Path.Combine(root, "src/Agent/bundle"));
        Bundle = Path.GetFullPath(Path.Combine(root, "artifacts/publish", await RunAsync("readlink", Path.Combine(root, "artifacts/publish/agent"))));
        await ImageAsync(Empty, "musl-gcc", ["-static"], []);
        await ImageAsync(Musl, "musl-gcc", [], ["/lib/ld-musl-x86_64.so.1"]);
        await ImageAsync(Glibc, "gcc", [], ["/lib64/ld-linux-x86-64.so.2", "/lib/x86_64-linux-gnu/libc.so.6"]);
    }

    private async Task ImageAsync(string name, string compiler, string[] flags, string[] files)
    {
        var rootFolder = _folder.CreateSubdirectory(name.Split(':')[1]).FullName;
        await RunAsync(compiler, [.. flags, "-O1", "-o", Path.Combine(rootFolder, "answer"), Path.Combine(SourceFolder(), "answer.c")]);
        foreach (var file in files)
        {
            var copy = rootFolder + file;
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            File.Copy(file, copy);
        }
        var tar = $"{rootFolder}.tar";
        await RunAsync("tar", "--owner=0", "--group=0", "-cf", tar, "-C", rootFolder, ".");
        await RunAsync("docker", "import", tar, name);
    }
}
