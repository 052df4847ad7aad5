using Berth.Agent.Services.Processes;
using Berth.Contracts.Services;
using Berth.Core.Agents;
using Berth.Tunnel.Resumable;

namespace Berth.Agent.Services.Ssh;

/// <summary>
/// What one sshd reads: keys, settings and what a login starts with, in a folder that only the session's user may enter, gone
/// with the connection.
/// </summary>
internal sealed class SshFolder : IDisposable
{
    private const UnixFileMode Owner = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    // In memory where that is to be had: a key is among it.
    private static readonly string[] s_places = ["/dev/shm", "/tmp"];

    private readonly string _path;

    /// <exception cref="StreamRefusedException">There is no place for it.</exception>
    public SshFolder(string hostKey, IEnumerable<string> keys, CommandStarter commands)
    {
        var place = s_places.FirstOrDefault(SessionEnvironment.Writable)
            ?? throw new StreamRefusedException($"A login by SSH needs a folder for its keys, and neither {string.Join(" nor ", s_places)} can be written in the session.");
        _path = Path.Combine(place, $"berth-ssh-{Guid.NewGuid():N}");
        Directory.CreateDirectory(_path, Owner | UnixFileMode.UserExecute);
        try
        {
            // Where sftp starts; by a link, for its folder is a word among others in the settings.
            File.CreateSymbolicLink(In("folder"), commands.WorkingDirectory);
            Write("host_key", hostKey);
            Write("authorized_keys", string.Concat(keys.Select(key => OpenSshKey.TryRead(key, out var read) ? $"{read}\n" : "")));
            Write("environment", LoginScript.Write(commands.Environment, commands.WorkingDirectory, Shell(commands)));
            Write("sshd_config", Settings());
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>File of sshd's settings.</summary>
    public string Config => In("sshd_config");

    public void Dispose()
    {
        try
        {
            Directory.Delete(_path, recursive: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Programs of the session may have been there; the rest goes with the session.
        }
    }

    // sshd_config(5)
    private string Settings() => $"""
        HostKey {In("host_key")}
        AuthorizedKeysFile {In("authorized_keys")}
        AuthenticationMethods publickey
        PasswordAuthentication no
        KbdInteractiveAuthentication no
        UsePAM no
        # The folder is as it is made above; what is above it is the image's.
        StrictModes no
        # Clients offer all the keys that they have, one after the other.
        MaxAuthTries 100
        MaxSessions 100
        # A lost line is the tunnel's affair, and comes back.
        TCPKeepAlive no
        ClientAliveInterval 0
        UseDNS no
        PrintMotd no
        PrintLastLog no
        X11Forwarding no
        PidFile none
        LogLevel FATAL
        Subsystem sftp internal-sftp -d {In("folder")}
        SetEnv BERTH_SSH={_path}
        {Parts()}
        """;

    // OpenSSH 9.8 was divided into two programs, 10 into three.
    private static string Parts() => Part("SshdSessionPath", "sshd-session") + Part("SshdAuthPath", "sshd-auth");

    private static string Part(string setting, string program) =>
        Path.Combine(AgentFiles.SshFolder, program) is var path && File.Exists(path) ? $"{setting} {path}\n" : "";

    private static string? Shell(CommandStarter commands)
    {
        try
        {
            return Shells.Find(commands.Environment);
        }
        catch (CommandException)
        {
            // Files can be copied all the same.
            return null;
        }
    }

    private string In(string name) => Path.Combine(_path, name);

    private void Write(string name, string text)
    {
        using var file = new StreamWriter(new FileStream(In(name), new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = Owner }));
        file.Write(text);
    }
}
