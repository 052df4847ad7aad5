using Berth.Cli.Reach;
using Berth.Cli.Servers;
using Berth.Cli.Settings;
using Berth.Cli.Ssh;
using Berth.Contracts.Services;
using Berth.Contracts.Sessions;

namespace Berth.Cli.Commands.Sessions;

internal sealed class SshCommand : SessionVerb
{
    private readonly Flag<bool> _stdio = Flags.Switch("--stdio", "Be the connection of an SSH client to the host NAME.berth, as its ProxyCommand");

    public SshCommand(Surroundings here)
        : base(here, "ssh", "Log in to a session by SSH, or run a command in it")
    {
        Add(_stdio);
    }

    public override bool TakesDashes => true;

    public override IReadOnlyList<Example> Examples =>
    [
        new("session ssh notebook", "A login, with the session's variables and folder"),
        new("session ssh notebook -- nvidia-smi", "A command, with its exit code"),
        new("session ssh notebook -- 'cd src && ls \"my file\"'", "The session's shell reads it, as ssh has it; `exec` takes words as they are"),
        new("session ssh --stdio notebook.berth", "The connection of ssh, scp, VS Code …, as `berth ssh-config` has it"),
    ];

    // What a client says is a host, not a name.
    protected override string? NameOf(Call call) => call.Get(_stdio) ? Host(call).Session : base.NameOf(call);

    protected override async Task<int> RunAsync(Call call, CancellationToken ct)
    {
        if (call.Get(_stdio))
            return await BeConnectionAsync(call, ct);
        var server = await call.ConnectAsync(ct);
        await BecomeClientAsync(call, server, await FindAsync(call, server, ct), ct);
        return ExitCodes.Ok;
    }

    /// <summary>Replaces this process by ssh, so that terminal, signals and exit code are its own.</summary>
    public static async Task BecomeClientAsync(Call call, Server server, SessionView session, CancellationToken ct)
    {
        // Who is refused hears it from here, without ssh's own words behind it.
        await server.Client.CheckConnectAsync(session.Id, ct);
        await new SshFiles(call.Here).EnsureIdentityAsync(ct);
        var ssh = call.Here.FindProgram("ssh")
            ?? throw new CliException(ExitCodes.Error, $"There is no ssh on this machine: install an OpenSSH client, or open a shell with `berth session shell {session.Name}`.");
        // ssh looks for options of its own behind the host, too, until it is told that there are none.
        string[] command = call.Here.BehindDashes is { Count: > 0 } words ? ["--", .. words] : [];
        string[] arguments = [.. new SshOptions(call.Here).Arguments(server.Context), SshHost.Of(session.Name, server.Context), .. command];
        ServerProgram.Become(ssh, call.Here.Variables, arguments);
    }

    private async Task<int> BeConnectionAsync(Call call, CancellationToken ct)
    {
        var host = Host(call);
        var server = await call.ConnectAsync(ct, host.Context);
        var session = await FindAsync(call, server, ct);
        var files = new SshFiles(call.Here);
        await files.EnsureIdentityAsync(ct);
        var hostKey = server.Client.GetSshAsync(session.Id, ct);
        var streams = new SessionStreams(server.Client, session.Id, Said(call), call.Here.Time);
        await using var stream = await streams.OpenAsync(new SshRequest { Keys = await files.PublicKeysAsync(ct) }, ct);
        // Before the client hears the first word of the other side.
        await files.PinAsync(host.Alias, (await hostKey).HostKey, ct);
        await new StdioConnection(call.Here).RunAsync(stream, ct);
        return ExitCodes.Ok;
    }

    // The client has the terminal, which takes a new line as it is.
    private static LineReport Said(Call call) => new(text => call.Report.Line($"\r\n{text}\r"), call.Here.Time);

    private SshHost Host(Call call) => base.NameOf(call) is { } name
        ? SshHost.Parse(name, SshHost.Contexts(call.Here))
        : throw CliException.Usage("Which host? `berth session ssh --stdio NAME.berth`.");
}
