using System.Diagnostics;
using System.Text.Json;
using Berth.Contracts.Sessions;
using Berth.Core.Agents;

namespace Berth.Bench.Tunnel;

/// <summary>
/// The published agent as a process of its own, without an engine: it is bound to <c>/berth</c>, where it looks for its
/// loader, in a mount namespace of its own.
/// </summary>
public sealed class RealAgent : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("berth-b-").FullName;
    private readonly Process _process;

    /// <param name="order">What it is told.</param>
    /// <param name="token">Its session's.</param>
    /// <param name="authorities">PEM file of those that the server is trusted by; null: it comes by a socket.</param>
    /// <param name="start">Starts it where the app is.</param>
    public RealAgent(AgentOrder order, string token, string? authorities, Func<ProcessStartInfo, Process> start)
    {
        File.WriteAllText(Path.Combine(_folder, AgentFiles.Order), JsonSerializer.Serialize(order, CoreJson.Default.AgentOrder));
        File.WriteAllText(Path.Combine(_folder, AgentFiles.Token), token);
        if (authorities is not null)
            File.Copy(authorities, Path.Combine(_folder, AgentFiles.Authorities));
        var run = new ProcessStartInfo("unshare", ["--mount", "--propagation", "private", "sh", "-ec", "mount --bind \"$1\" /berth; exec /berth/berth-agent session", "sh", Bundle])
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            Environment = { ["BERTH_SESSION_FOLDER"] = _folder },
        };
        Directory.CreateDirectory("/berth");
        _process = start(run);
        _ = _process.StandardOutput.ReadToEndAsync();
    }

    /// <summary>What an agent is told whose session does nothing, and whose app is at a port.</summary>
    public static AgentOrder OrderOf(SessionView session, int port, string server) => new()
    {
        SessionId = session.Id,
        Generation = session.Berth.Generation,
        Command = ["sleep", "infinity"],
        MountDirectory = Path.GetTempPath(),
        Port = port,
        Server = server,
    };

    /// <summary>The published agent.</summary>
    public static string Bundle { get; } = Path.GetFullPath("artifacts/publish/agent");

    public int ProcessId => _process.Id;

    public void Dispose()
    {
        _process.Kill();
        _process.WaitForExit();
        _process.Dispose();
        Directory.Delete(_folder, recursive: true);
        if (!Directory.EnumerateFileSystemEntries("/berth").Any())
            Directory.Delete("/berth");
    }
}
