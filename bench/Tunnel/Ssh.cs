using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace Berth.Bench.Tunnel;

/// <summary>OpenSSH's server and a client's <c>ssh -L</c>, with keys and a configuration of their own.</summary>
public sealed class Ssh : IDisposable
{
    private const int ServerPort = 8384;
    private readonly string _folder = Directory.CreateTempSubdirectory("berth-b-").FullName;
    private readonly List<Process> _processes = [];

    /// <summary>Server and client.</summary>
    public IReadOnlyList<int> ProcessIds => [.. _processes.Select(process => process.Id)];

    private Ssh()
    {
    }

    /// <param name="address">Of the server, as the client reaches it.</param>
    /// <param name="start">Starts the server where the app is.</param>
    /// <param name="app">Port of the app.</param>
    /// <param name="local">Port of loopback, which the client opens.</param>
    public static async Task<Ssh> StartAsync(IPAddress address, Func<ProcessStartInfo, Process> start, int app, int local)
    {
        EnsureFree(address, ServerPort);
        EnsureFree(IPAddress.Loopback, local);
        var ssh = new Ssh();
        foreach (var key in (string[])["host", "user"])
            await Processes.RunAsync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", ssh.In(key)]);
        File.Copy(ssh.In("user.pub"), ssh.In("authorized_keys"));
        // Its separation of privileges needs a folder that a package's start script makes.
        Directory.CreateDirectory("/run/sshd");
        await File.WriteAllTextAsync(ssh.In("sshd_config"), $"""
            Port {ServerPort}
            ListenAddress {address}
            HostKey {ssh.In("host")}
            PidFile none
            AuthorizedKeysFile {ssh.In("authorized_keys")}
            StrictModes no
            PermitRootLogin yes
            UsePAM no
            MaxSessions 100
            MaxStartups 100
            """);
        ssh._processes.Add(start(new ProcessStartInfo("/usr/sbin/sshd", ["-D", "-q", "-f", ssh.In("sshd_config")]) { UseShellExecute = false }));
        await ListensAsync(address, ServerPort);
        ssh._processes.Add(Process.Start(new ProcessStartInfo("ssh",
        [
            "-F", "none", "-N", "-q", "-p", $"{ServerPort}", "-i", ssh.In("user"), "-o", "StrictHostKeyChecking=no", "-o", $"UserKnownHostsFile={ssh.In("known")}",
            "-o", "ExitOnForwardFailure=yes", "-L", $"127.0.0.1:{local}:127.0.0.1:{app}", $"{Environment.UserName}@{address}",
        ])
        { UseShellExecute = false })!);
        await ListensAsync(IPAddress.Loopback, local);
        return ssh;
    }

    // What a bench left that was killed would be measured instead.
    private static void EnsureFree(IPAddress address, int port)
    {
        try
        {
            using var probe = new TcpClient();
            probe.Connect(address, port);
        }
        catch (SocketException)
        {
            return;
        }

        throw new InvalidOperationException($"Something listens on {address}:{port}, perhaps of a bench that was killed: see `ss -ltnp`.");
    }

    /// <summary>Waits until something listens.</summary>
    public static async Task ListensAsync(IPAddress address, int port)
    {
        for (var watch = Stopwatch.StartNew(); ;)
        {
            using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
            try
            {
                await socket.ConnectAsync(address, port);
                return;
            }
            catch (SocketException) when (watch.Elapsed < TimeSpan.FromSeconds(20))
            {
                await Task.Delay(50);
            }
        }
    }

    public void Dispose()
    {
        foreach (var process in Enumerable.Reverse(_processes))
        {
            process.Kill(entireProcessTree: true);
            process.WaitForExit();
            process.Dispose();
        }

        Directory.Delete(_folder, recursive: true);
    }

    private string In(string name) => Path.Combine(_folder, name);
}
