using System.Diagnostics;
using Berth.Contracts.Services;
using Berth.Fakes;
using Berth.Tunnel;
using Berth.Tunnel.Resumable;

namespace Berth.Cli.Tests.House;

/// <summary>The sshd of the agent's bundle without its agent: one for each login, as it starts them.</summary>
internal sealed class RealSshd : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("berth-sshd-");

    /// <summary>The session's host key (PEM), once it is known.</summary>
    public string HostKey { get; set; } = "";

    public Serving Serve(SshRequest request)
    {
        Write("host_key", HostKey);
        Write("authorized_keys", string.Join('\n', request.Keys) + "\n");
        Write("config", $"""
            HostKey {Path("host_key")}
            AuthorizedKeysFile {Path("authorized_keys")}
            PidFile none
            StrictModes no
            PasswordAuthentication no
            KbdInteractiveAuthentication no
            """);
        return ServeAsync;
    }

    public void Dispose() => _folder.Delete(recursive: true);

    private async Task ServeAsync(ResumableStream stream, CancellationToken lost)
    {
        // In a session the bundle is at /berth, where its programs look for their loader.
        var agent = Checkout.Published("agent");
        using var sshd = Process.Start(new ProcessStartInfo(
            $"{agent}/lib/ld-linux-x86-64.so.2",
            ["--library-path", $"{agent}/ssh/lib:{agent}/lib", $"{agent}/ssh/sshd", "-i", "-f", Path("config")])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            UseShellExecute = false,
            Environment = { ["HOME"] = _folder.FullName, ["SHELL"] = "/bin/bash" },
        })!;
        var asking = Splice.CopyAsync(stream, sshd.StandardInput.BaseStream, null, lost);
        await Splice.CopyAsync(sshd.StandardOutput.BaseStream, stream, null, lost);
        await stream.CompleteWritesAsync(lost);
        await sshd.WaitForExitAsync(lost);
        await asking;
    }

    private string Path(string name) => System.IO.Path.Combine(_folder.FullName, name);

    private void Write(string name, string text)
    {
        File.WriteAllText(Path(name), text + "\n");
        File.SetUnixFileMode(Path(name), UnixFileMode.UserRead | UnixFileMode.UserWrite);
    }
}
