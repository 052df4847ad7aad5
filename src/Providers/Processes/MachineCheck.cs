using System.ComponentModel;
using System.Diagnostics;
using Berth.Core.Providers;
using Berth.Core.Sessions;

namespace Berth.Providers.Processes;

/// <summary>
/// Whether this machine lets sessions be processes. Programs are run to find that out; that they can holds until one of them,
/// or what the kernel says it allows, is another. That they cannot is found out anew each time: somebody may be mending it.
/// </summary>
internal sealed class MachineCheck(string bubblewrap, RootView root)
{
    private const string Install = "Install bubblewrap and util-linux (Debian, Ubuntu: apt install bubblewrap).";

    // Of namespaces that users make.
    private static readonly string[] s_allowances =
        ["/proc/sys/kernel/unprivileged_userns_clone", "/proc/sys/user/max_user_namespaces", "/proc/sys/kernel/apparmor_restrict_unprivileged_userns"];

    private Finding? _found;

    private sealed record Finding(string Of, string Version);

    /// <returns>What runs them, such as "bubblewrap 0.8.0".</returns>
    /// <exception cref="ProviderException">It does not.</exception>
    public async Task<string> RunAsync(CancellationToken ct)
    {
        var machine = Describe();
        if (_found is not { } found || found.Of != machine)
            _found = found = new Finding(machine, await TryAsync(ct));
        return found.Version;
    }

    private async Task<string> TryAsync(CancellationToken ct)
    {
        await RunAsync("setsid", [ProcessLimits.Program, "--core=0", "flock", "--version"], Install, ct);
        var version = await RunAsync(bubblewrap, ["--version"], Install, ct);
        await RunAsync(
            bubblewrap, ["--unshare-pid", .. root.Arguments(), "--proc", "/proc", "--dev", "/dev", "--", "/bin/sh", "-c", ":"],
            "This machine does not let its users make namespaces (sysctl kernel.unprivileged_userns_clone, user.max_user_namespaces, AppArmor): its administrator can.", ct);
        return version.Trim();
    }

    // Changes with whatever may change the answer, and costs no process.
    private string Describe() => string.Join('\n', [.. new[] { "setsid", "flock", ProcessLimits.Program, bubblewrap }.Select(Stamp), .. s_allowances.Select(Said)]);

    private static string Stamp(string program)
    {
        var file = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
            .Select(folder => new FileInfo(Path.Combine(folder, program))).FirstOrDefault(file => file.Exists);
        var target = file?.ResolveLinkTarget(returnFinalTarget: true) ?? file;
        return $"{target?.FullName} {target?.LastWriteTimeUtc.Ticks}";
    }

    private static string Said(string file)
    {
        try
        {
            return File.ReadAllText(file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return ""; // this kernel does not have it, or tells it to administrators alone
        }
    }

    private static async Task<string> RunAsync(string program, string[] arguments, string advice, CancellationToken ct)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo(program, arguments) { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true })!;
            var (said, complained) = (process.StandardOutput.ReadToEndAsync(ct), process.StandardError.ReadToEndAsync(ct));
            await process.WaitForExitAsync(ct);
            return process.ExitCode == 0 ? await said : throw new ProviderException(Reason.Refused, $"{program}: {(await complained).Trim()} {advice}");
        }
        catch (Win32Exception e)
        {
            throw new ProviderException(Reason.Refused, $"{program} cannot be run: {e.Message}. {advice}", e);
        }
    }
}
