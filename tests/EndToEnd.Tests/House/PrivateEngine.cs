using System.Diagnostics;
using Berth.Fakes;

namespace Berth.EndToEnd.Tests.House;

/// <summary>
/// A container engine that a test may stop, kill and restart, on a "machine" of its own: network, mounts and processes are
/// apart, so that the machine can be rebooted, which ends all processes and keeps the disk.
/// </summary>
internal sealed class PrivateEngine : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("berth-machine-");
    private Process? _machine;
    private Process? _engine;

    public string Address => $"unix://{Path.Combine(_folder.FullName, "engine.sock")}";

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    /// <summary>Starts the machine where it is off, and its engine.</summary>
    public async Task StartAsync(params string[] options)
    {
        if (_machine is null)
        {
            // The shell that waits for ever takes the ended processes of others, as an init does: an engine takes one that is
            // not taken for its own that still runs.
            _machine = Ran.Start(
                "unshare",
                [
                    "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-c",
                    "ip link set lo up && mount -t tmpfs none /run && touch /run/up && while :; do sleep 1; done",
                ],
                null, null);
            await Eventually.TrueAsync(() => Child(_machine) is { } init && File.Exists($"/proc/{init}/root/run/up"), "the machine is up");
        }

        File.Delete(Path.Combine(_folder.FullName, "pid"));
        _engine = Ran.Start(
            "nsenter",
            [
                "--target", $"{Child(_machine)}", "--net", "--mount", "--pid", "sh", "-c", "exec dockerd \"$@\" >>\"$0\" 2>&1", Path.Combine(_folder.FullName, "log"),
                "--data-root", Path.Combine(_folder.FullName, "data"), "--exec-root", "/run/docker", "--pidfile", Path.Combine(_folder.FullName, "pid"),
                "--host", Address, "--cgroup-parent", $"/{_folder.Name}", .. options,
            ],
            null, null);
        await Eventually.TrueAsync(async () => (await DockerAsync("version")).Code == 0, "the engine answers", Patience);
    }

    /// <summary>TERM: as an administrator stops it. KILL: as it crashes.</summary>
    public async Task StopAsync(string signal)
    {
        await Ran.WellAsync("kill", $"-{signal}", $"{Child(_engine!)}");
        await _engine!.WaitForExitAsync(Ct).WaitAsync(Patience, Ct);
    }

    /// <summary>The power goes.</summary>
    public async Task PowerOffAsync()
    {
        _machine!.Kill();
        await _machine.WaitForExitAsync(CancellationToken.None);
        await _engine!.WaitForExitAsync(CancellationToken.None).WaitAsync(Patience, CancellationToken.None);
        _machine = null;
    }

    public Task<Ran> DockerAsync(params string[] arguments) => Ran.ToEndAsync("docker", ["--host", Address, .. arguments]);

    /// <summary>Takes an image over from the shared engine.</summary>
    public Task LoadAsync(string image) =>
        Ran.WellAsync("sh", "-c", "docker save \"$1\" | docker --host \"$0\" load", Address, image);

    public async ValueTask DisposeAsync()
    {
        if (_machine is not null)
            await PowerOffAsync();
        // Containers that were killed with their machine leave their (empty) control groups.
        await Ran.ToEndAsync("sh", ["-c", "find /sys/fs/cgroup -depth -type d -path \"*/$0*\" -exec rmdir {} + 2>/dev/null", _folder.Name]);
        await Eventually.TrueAsync(
            async () => (await Ran.ToEndAsync("rm", ["-rf", _folder.FullName])).Code == 0, "the machine's disk can be removed");
    }

    private static int? Child(Process process) =>
        File.Exists($"/proc/{process.Id}/task/{process.Id}/children")
        && File.ReadAllText($"/proc/{process.Id}/task/{process.Id}/children").Split(' ', StringSplitOptions.RemoveEmptyEntries) is [var first, ..]
            ? int.Parse(first) : null;
}
