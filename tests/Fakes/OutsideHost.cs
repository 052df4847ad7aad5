using System.Diagnostics;

namespace Berth.Fakes;

/// <summary>A host beyond this machine: a network namespace at the end of a cable, in which a program listens.</summary>
public sealed class OutsideHost : IDisposable
{
    /// <summary>An ordinary address (of RFC 2544's range, which is nobody's).</summary>
    public const string Address = "198.18.77.2";

    /// <summary>An address of the range in which clouds keep their metadata services.</summary>
    public const string LinkLocalAddress = "169.254.99.99";

    public const int Port = 8000;

    private const string Namespace = "berth-outside";
    private readonly Process listener;

    private OutsideHost(Process listener) => this.listener = listener;

    /// <summary>Null where this machine does not allow it.</summary>
    /// <param name="program">What listens there, on <see cref="Port"/>.</param>
    /// <param name="arguments">Of the program.</param>
    public static async Task<OutsideHost?> TryMakeAsync(string program, params string[] arguments)
    {
        if (!Environment.IsPrivilegedProcess)
            return null;
        await IpAsync($"netns delete {Namespace}");
        string[] steps =
        [
            $"netns add {Namespace}", $"link add outside0 type veth peer name outside1 netns {Namespace}",
            $"-n {Namespace} address add 169.254.99.99/32 dev lo",
            "address add 198.18.77.1/30 dev outside0", "link set outside0 up",
            $"-n {Namespace} address add 198.18.77.2/30 dev outside1", $"-n {Namespace} link set outside1 up", $"-n {Namespace} link set lo up",
            "route replace 169.254.99.99/32 via 198.18.77.2",
        ];
        foreach (var step in steps)
        {
            if (!await IpAsync(step))
                return null;
        }

        return new OutsideHost(Process.Start("ip", ["netns", "exec", Namespace, program, .. arguments]));
    }

    public void Dispose()
    {
        listener.Kill(entireProcessTree: true);
        listener.Dispose();
        IpAsync($"netns delete {Namespace}").Wait();
    }

    private static async Task<bool> IpAsync(string arguments)
    {
        using var process = Process.Start(new ProcessStartInfo("ip", arguments) { UseShellExecute = false, RedirectStandardError = true })!;
        await process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        return process.ExitCode == 0;
    }
}
