using System.ComponentModel;
using System.Diagnostics;
using Berth.Core.Faults;

namespace Berth.Providers.Docker;

/// <summary>
/// Keeps what comes from the sessions' bridge away from this machine's own services, from other containers and from the
/// cloud's metadata service. Answers to what the machine itself began (direct reach) pass.
/// </summary>
/// <remarks>
/// A service of the machine is reached at any of its addresses, those of networks that are made later included: so the rule
/// asks whether a packet is for the machine, not for which address. A port that an engine publishes is not: the engine turns
/// it to a container before. Those, and whatever else goes to a container, are dropped in the table that is asked before the
/// engines' own rules: an engine keeps its own networks apart from one another, not from those of another engine beside it,
/// and an engine that starts later empties or overtakes the rules of the first.
/// </remarks>
/// <param name="bridge">Of the sessions.</param>
/// <param name="program">Sets rules; null: the machine's <c>iptables</c>.</param>
/// <param name="patience">Seconds for which it is waited until other programs have set theirs: one that hangs is not waited for with every start.</param>
internal sealed class Firewall(string bridge, string? program = null, int patience = 10)
{
    // What iptables says where it gives up; its exit code is that of other troubles, too.
    private const string Lock = "xtables lock";
    private const string Metadata = "169.254.0.0/16", Routes = "/proc/net/route";
    private static readonly string[] Folders = ["/usr/sbin", "/sbin", "/usr/bin", "/bin"];

    /// <summary>Beginnings of the names that engines and Berth give to bridges of containers.</summary>
    private static readonly string[] Bridges = [DockerLabels.BridgePrefix, "docker", "br-", "podman", "cni-podman"];

    private IEnumerable<Rule> Rules(bool podman) =>
    [
        new("filter", ["INPUT", "-i", bridge, "-m", "conntrack", "!", "--ctstate", "RELATED,ESTABLISHED", "-j", "REJECT"]),
        // Docker has a place for others' rules that come before its own, where they may also say no; Podman has none.
        podman
            ? new("mangle", ["FORWARD", "-i", bridge, "-d", Metadata, "-j", "DROP"])
            : new("filter", ["DOCKER-USER", "-i", bridge, "-d", Metadata, "-j", "REJECT"]),
        new("mangle", ["FORWARD", "-i", bridge, "-m", "conntrack", "--ctstate", "DNAT", "-j", "DROP"]),
        .. Bridges.Select(other => new Rule("mangle", ["FORWARD", "-i", bridge, "-o", $"{other}+", "-j", "DROP"])),
    ];

    private string? Program => program ?? Folders.Select(f => Path.Combine(f, "iptables")).FirstOrDefault(File.Exists);

    /// <summary>Why nothing can be set here, and what follows; null: it can be tried.</summary>
    public string? CannotSet(bool podman) =>
        Program is null ? Warning(podman, "there is no iptables on this machine")
        : !Environment.IsPrivilegedProcess ? Warning(podman, "only root may set the firewall, or see whether it is set")
        : null;

    /// <summary>Sets what is not set yet.</summary>
    /// <returns>Null: all is set. Otherwise why not, and what follows.</returns>
    public async Task<string?> EnsureAsync(bool podman, CancellationToken ct)
    {
        if (CannotSet(podman) is { } cannot)
            return cannot;
        var faults = await Task.WhenAll(Wanted(podman).Select(rule => EnsureAsync(rule, ct)));
        return faults.OfType<string>().FirstOrDefault() is { } fault ? Warning(podman, fault) : null;
    }

    /// <summary>Takes the rules away, once the bridge is gone.</summary>
    public async Task RemoveAsync(bool podman, CancellationToken ct)
    {
        if (CannotSet(podman) is not null)
            return;
        foreach (var rule in Rules(podman))
            await RunAsync(EngineCall.ClearFirewall, rule, "-D", ct);
    }

    /// <summary>A machine's own way out may be a bridge, too, and have such a name.</summary>
    private IEnumerable<Rule> Wanted(bool podman)
    {
        var ways = WaysOut(File.Exists(Routes) ? File.ReadAllLines(Routes) : []);
        return Rules(podman).Where(rule => !rule.Words.Any(word => word.EndsWith('+') && ways.Any(way => way.StartsWith(word[..^1], StringComparison.Ordinal))));
    }

    /// <summary>Interfaces of default routes, of proc's table: "Iface  Destination  Gateway …", in hexadecimal digits.</summary>
    internal static string[] WaysOut(IEnumerable<string> table) =>
        [.. table.Select(line => line.Split('\t', StringSplitOptions.TrimEntries)).Where(words => words is [_, "00000000", ..]).Select(words => words[0])];

    private async Task<string?> EnsureAsync(Rule rule, CancellationToken ct)
    {
        var fault = await RunAsync(EngineCall.CheckFirewall, rule, "-C", ct);
        if (fault?.Contains(Lock, StringComparison.Ordinal) == false)
            fault = await RunAsync(EngineCall.SetFirewall, rule, "-I", ct);
        return fault?.Contains(Lock, StringComparison.Ordinal) == true ? $"another program has held the firewall's lock for {patience} s" : fault;
    }

    /// <summary>Null where it succeeded, else its words.</summary>
    private async Task<string?> RunAsync(EngineCall call, Rule rule, string verb, CancellationToken ct)
    {
        try
        {
            FaultPoints.Before(call);
            using var process = Process.Start(new ProcessStartInfo(Program!, [$"-w{patience}", .. rule.Arguments(verb)]) { UseShellExecute = false, RedirectStandardError = true })!;
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
        $"Sessions can reach {(podman ? "one another, " : "")}this machine's own services, containers of others and the cloud's metadata service: {why}. To shut them out, type as root: "
        + string.Join(" && ", Wanted(podman).Select(rule => "iptables " + string.Join(' ', rule.Arguments("-I"))));

    private sealed record Rule(string Table, string[] Words)
    {
        public string[] Arguments(string verb) => [.. Table == "filter" ? (string[])[] : ["-t", Table], verb, .. Words];
    }
}
