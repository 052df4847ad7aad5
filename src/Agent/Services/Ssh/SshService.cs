using Berth.Agent.Services.Processes;
using Berth.Agent.Unix;
using Berth.Contracts.Services;
using Berth.Core.Agents;
using Berth.Tunnel.Resumable;

namespace Berth.Agent.Services.Ssh;

/// <summary>Logins by SSH, in any image: an sshd for each connection, which the agent brought along.</summary>
/// <param name="children">Starts and reaps them.</param>
/// <param name="commands">The front end's surroundings.</param>
/// <param name="hostKey">Private half of the session's (PEM); null: the server that started the session knows of none.</param>
/// <param name="say">Writes a line into the session's log.</param>
/// <param name="time">The clock.</param>
internal sealed class SshService(Children children, CommandStarter commands, string? hostKey, Action<string> say, TimeProvider time) : IService<SshRequest>
{
    private const string Program = AgentFiles.SshFolder + "/sshd";
    private const string Login = AgentFiles.SshFolder + "/login";
    private const string InterpreterOfLogin = "/bin/sh";

    public Task<Serving> OpenAsync(SshRequest request, CancellationToken ct)
    {
        if (hostKey is null || !File.Exists(Program))
            throw new StreamRefusedException("This session's agent takes no logins by SSH. Open a shell with `berth session shell`, or pause the session and resume it to get a new agent.");
        if (!request.Keys.Any(key => OpenSshKey.TryRead(key, out _)))
            throw new StreamRefusedException("There is no public key among those that were sent: nobody could log in.");
        var folder = new SshFolder(hostKey, request.Keys, commands);
        try
        {
            var sshd = Start(folder);
            return Task.FromResult<Serving>(sshd.ServeAsync);
        }
        catch
        {
            folder.Dispose();
            throw;
        }
    }

    private SshConnection Start(SshFolder folder)
    {
        var (input, theirInput) = Descriptor.Pipe(read: false);
        var (output, theirOutput) = Descriptor.Pipe(read: true);
        var (error, theirError) = Descriptor.Pipe(read: true);
        try
        {
            var start = new ChildStart(Program, [Program, "-i", "-e", "-f", folder.Config], Variables(), "/");
            return new SshConnection(children.Spawn(start, new ChildFiles(theirInput, theirOutput, theirError)), input, output, error, folder, say, time);
        }
        catch (SpawnException e)
        {
            input.Dispose();
            output.Dispose();
            error.Dispose();
            throw new StreamRefusedException($"The session's sshd cannot be started: {e.Message}. Open a shell with `berth session shell`.");
        }
        finally
        {
            Native.close(theirInput);
            Native.close(theirOutput);
            Native.close(theirError);
        }
    }

    /// <summary>What <c>src/Agent/ssh/one-user.c</c> tells sshd of the user, and nothing of the image's for sshd itself.</summary>
    private Dictionary<string, string> Variables() => new()
    {
        ["HOME"] = commands.Environment.GetValueOrDefault("HOME") is { } home && Directory.Exists(home) ? home : "/",
        ["SHELL"] = File.Exists(InterpreterOfLogin) ? Login : AgentFiles.Program,
        ["OPENSSL_CONF"] = "/dev/null",
    };
}
