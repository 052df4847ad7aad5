using Berth.Cli.Tests.House;
using Berth.Contracts.Services;
using Berth.Contracts.Sessions;
using Berth.Server.Agents;
using Berth.Server.Tests.Agents;
using Berth.Server.Tests.Sessions;
using Berth.Tunnel.Resumable;

namespace Berth.Cli.Tests.Ssh;

/// <summary>The real command, the real client and a real sshd.</summary>
[Trait("Needs", "agent")]
public sealed class SshCommandTests : IAsyncLifetime
{
    private readonly RealSshd _sshd = new();
    private SessionServer _server = null!;
    private SimulatedAgent _agent = null!;
    private RealCommand _berth = null!;

    public async ValueTask InitializeAsync()
    {
        _server = await SessionServer.StartAsync();
        _berth = new RealCommand(_server.DataFolder);
        (var session, _agent) = await _server.RunningAsync(
            new StartRequest(Image: "busybox", Name: "nb"),
            PlayedServices.Of(request => request is SshRequest ssh ? _sshd.Serve(ssh) : SayNothingAsync));
        _sshd.HostKey = _server.Service<SshHostKeys>().Private(session.Id);
    }

    public async ValueTask DisposeAsync()
    {
        _berth.Dispose();
        await _agent.DisposeAsync();
        await _server.DisposeAsync();
        _sshd.Dispose();
    }

    [Fact]
    public async Task A_command_is_read_by_the_sessions_shell()
    {
        var ran = await _berth.RunAsync("ssh", "nb", "--", "echo 'two  spaces';", "exit", "7");
        Assert.True(ran is { Code: 7, Out: "two  spaces\n" }, ran.Error);
    }

    [Theory]
    [InlineData("-V")] // for the client: its version, and no login
    [InlineData("-oProxyCommand=touch owned", "true")]
    public async Task A_command_that_begins_with_a_dash_is_no_option_of_the_client(params string[] command)
    {
        var ran = await _berth.RunAsync(["ssh", "nb", "--", .. command]);
        Assert.NotEqual(0, ran.Code);
        Assert.DoesNotContain("OpenSSH_", ran.Error, StringComparison.Ordinal);
        Assert.Contains(command[0][..2], ran.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Attach_logs_in_by_the_line_that_it_prints()
    {
        using var attach = _berth.Start("attach", "nb", "-o", "json");
        try
        {
            var said = new List<string>();
            while (said.LastOrDefault()?.StartsWith("SSH:  ", StringComparison.Ordinal) != true)
                said.Add(await attach.StandardError.ReadLineAsync(TestContext.Current.CancellationToken) ?? throw new InvalidOperationException(string.Join('\n', said)));
            var ran = await _berth.ShellAsync($"{said[^1][6..]} -F none -o BatchMode=yes -o StrictHostKeyChecking=yes 'echo within'");
            Assert.True(ran is { Code: 0, Out: "within\n" }, ran.Error);
        }
        finally
        {
            attach.Kill();
        }
    }

    private static Task SayNothingAsync(ResumableStream stream, CancellationToken lost) => Task.Delay(Timeout.Infinite, lost);
}
