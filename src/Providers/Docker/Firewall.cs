using System.ComponentModel;
using System.Diagnostics;
using Berth.Core.Faults;

namespace Berth.Providers.Docker;

/// <summary>
/// Keeps what comes from the sessions' bridge away from this machine's own services and from the cloud's metadata
/// service; on Podman, sessions from one another and from the containers of others, too. Answers to what the machine itself
/// began (direct reach) pass. Docker leaves both chains to others: <c>DOCKER-USER</c> is its place for rules that come
/// before its own. Podman has none, and puts its own rules first in FORWARD at any start: so what is forwarded is dropped
/// in the table that is asked before.
/// </summary>
internal sealed class Firewall(string bridge)
{
    private static readonly string[] Folders = ["/usr/sbin", "/sbin", "/usr/bin", "/bin"];

    private Rule[] OfDocker =>
    [
        new("filter", ["INPUT", "-i", bridge, "-m", "conntrack", "!", "--ctstate", "RELATED,ESTABLISHED", "-j", "REJECT"]),
        new("filter", ["DOCKER-USER", "-i", bridge, "-d", "169.254.0.0/16", "-j", "REJECT"]),
    ];

    private Rule[] OfPodman =>
    [
        OfDocker[0],
        new("mangle", ["FORWARD", "-i", bridge, "-d", "169.254.0.0/16", "-j", "DROP"]),
        new("mangle", ["FORWARD", "-i", bridge, "-o", bridge, "-j", "DROP"]),
        // Networks are kept apart by Podman where both ask for it; its usual ones do not.
        new("mangle", ["FORWARD", "-i", bridge, "-o", "podman+", "-j", "DROP"]),
        new("mangle", ["FORWARD", "-i", bridge, "-o", "cni-podman+", "-j", "DROP"]),
    ];

    /// <summary>Sets what is not set yet.</summary>
    /// <returns>Null: all is set. Otherwise why not, and what follows.</returns>
    public async Task<string?> EnsureAsync(bool podman, CancellationToken ct)
    {
        var rules = podman ? OfPodman : OfDocker;
        var program = Folders.Select(f => Path.Combine(f, "iptables")).FirstOrDefault(File.Exists);
        if (program is null)
            return Warning(podman, "there is no iptables on this machine");
        if (!Environment.IsPrivilegedProcess)
            return Warning(podman, "only root may set the firewall");
        var faults = await Task.WhenAll(rules.Select(rule => EnsureAsync(program, rule, ct)));
        return faults.OfType<string>().FirstOrDefault() is { } fault ? Warning(podman, fault) : null;
    }

    /// <summary>Takes the rules away, once the bridge is gone.</summary>
    public async Task RemoveAsync(bool podman, CancellationToken ct)
    {
        var program = Folders.Select(f => Path.Combine(f, "iptables")).FirstOrDefault(File.Exists);
        if (program is null || !Environment.IsPrivilegedProcess)
            return;
        foreach (var rule in podman ? OfPodman : OfDocker)
            await RunAsync(EngineCall.ClearFirewall, program, rule.Arguments("-D"), ct);
    }

    private static async Task<string?> EnsureAsync(string program, Rule rule, CancellationToken ct)
    {
        if (await RunAsync(EngineCall.CheckFirewall, program, rule.Arguments("-C"), ct) is null)
            return null;
        return await RunAsync(EngineCall.SetFirewall, program, rule.Arguments("-I"), ct);
    }

    /// <summary>Null where it succeeded, else its words.</summary>
    private static async Task<string?> RunAsync(EngineCall call, string program, string[] arguments, CancellationToken ct)
    {
        try
        {
            FaultPoints.Before(call);
            using var process = Process.Start(new ProcessStartInfo(program, arguments) { UseShellExecute = false, RedirectStandardError = true })!;
            var words = await process.StandardError.ReadToEndAsync(ct);
            await process.WaitForExitAsync(ct);
            FaultPoints.After(call);
            return process.ExitCode == 0 ? null : words.Trim().ReplaceLineEndings(" ");
        }
        catch (Win32Exception e)
        {
            return e.Message;
        }
    }

    private string Warning(bool podman, string why) =>
        $"Sessions can reach {(podman ? "one another, " : "")}this machine's own services and the cloud's metadata service: {why}. To shut them out, type as root: "
        + string.Join(" && ", (podman ? OfPodman : OfDocker).Select(rule => "iptables " + string.Join(' ', rule.Arguments("-I")[1..])));

    private sealed record Rule(string Table, string[] Words)
    {
        public string[] Arguments(string verb) => ["-w", .. Table == "filter" ? (string[])[] : ["-t", Table], verb, .. Words];
    }
}
