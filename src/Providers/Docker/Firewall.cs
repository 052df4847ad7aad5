using System.ComponentModel;
using System.Diagnostics;

namespace Berth.Providers.Docker;

/// <summary>
/// Keeps what comes from the sessions' bridge away from this machine's own services and from the cloud's metadata
/// service. Answers to what the machine itself began (direct reach) pass. The engine leaves both chains to others:
/// <c>DOCKER-USER</c> is its place for rules that come before its own.
/// </summary>
internal sealed class Firewall(string bridge)
{
    private static readonly string[] Folders = ["/usr/sbin", "/sbin", "/usr/bin", "/bin"];

    private string[][] Rules =>
    [
        ["INPUT", "-i", bridge, "-m", "conntrack", "!", "--ctstate", "RELATED,ESTABLISHED", "-j", "REJECT"],
        ["DOCKER-USER", "-i", bridge, "-d", "169.254.0.0/16", "-j", "REJECT"],
    ];

    /// <summary>Sets what is not set yet.</summary>
    /// <returns>Null: all is set. Otherwise why not, and what follows.</returns>
    public async Task<string?> EnsureAsync(CancellationToken ct)
    {
        var program = Folders.Select(f => Path.Combine(f, "iptables")).FirstOrDefault(File.Exists);
        if (program is null)
            return Warning("there is no iptables on this machine");
        if (!Environment.IsPrivilegedProcess)
            return Warning("only root may set the firewall");
        var faults = await Task.WhenAll(Rules.Select(rule => EnsureAsync(program, rule, ct)));
        return faults.OfType<string>().FirstOrDefault() is { } fault ? Warning(fault) : null;
    }

    /// <summary>Takes the rules away, once the bridge is gone.</summary>
    public async Task RemoveAsync(CancellationToken ct)
    {
        var program = Folders.Select(f => Path.Combine(f, "iptables")).FirstOrDefault(File.Exists);
        if (program is null || !Environment.IsPrivilegedProcess)
            return;
        foreach (var rule in Rules)
            await RunAsync(program, ["-w", "-D", .. rule], ct);
    }

    private static async Task<string?> EnsureAsync(string program, string[] rule, CancellationToken ct)
    {
        if (await RunAsync(program, ["-w", "-C", .. rule], ct) is null)
            return null;
        return await RunAsync(program, ["-w", "-I", .. rule], ct);
    }

    /// <summary>Null where it succeeded, else its words.</summary>
    private static async Task<string?> RunAsync(string program, string[] arguments, CancellationToken ct)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo(program, arguments) { UseShellExecute = false, RedirectStandardError = true })!;
            var words = await process.StandardError.ReadToEndAsync(ct);
            await process.WaitForExitAsync(ct);
            return process.ExitCode == 0 ? null : words.Trim().ReplaceLineEndings(" ");
        }
        catch (Win32Exception e)
        {
            return e.Message;
        }
    }

    private string Warning(string why) =>
        $"Sessions can reach this machine's own services and the cloud's metadata service: {why}. To shut them out, type as root: "
        + string.Join(" && ", Rules.Select(rule => "iptables -I " + string.Join(' ', rule)));
}
