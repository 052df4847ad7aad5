using Berth.Cli.Tests.House;
using Berth.Contracts.Sessions;
using Berth.Server.Tests.Agents;
using Berth.Server.Tests.Sessions;

namespace Berth.Cli.Tests.Reach;

/// <summary>What a command in a session says, where it is not taken: the real command, for its standard output is the process's.</summary>
public sealed class OutputTests : IAsyncLifetime
{
    private SessionServer _server = null!;
    private SimulatedAgent _agent = null!;
    private RealCommand _berth = null!;

    public async ValueTask InitializeAsync()
    {
        _server = await SessionServer.StartAsync();
        _berth = new RealCommand(_server.DataFolder);
        // More than any pipe holds.
        (_, _agent) = await _server.RunningAsync(new StartRequest(Image: "busybox", Name: "nb"), PlayedServices.Saying(new string('x', 4 << 20)));
    }

    public async ValueTask DisposeAsync()
    {
        _berth.Dispose();
        await _agent.DisposeAsync();
        await _server.DisposeAsync();
    }

    [Fact]
    public async Task A_full_disk_is_said_and_is_no_success()
    {
        var ran = await _berth.ShellAsync("berth exec nb -- tar c . > /dev/full");
        Assert.Equal(ExitCodes.Error, ran.Code);
        Assert.Equal("What the command in the session says cannot be written here: No space left on device. The command was ended.", ran.Error.TrimEnd());
    }

    [Fact]
    public async Task A_reader_that_has_enough_ends_it_without_a_word()
    {
        var ran = await _berth.ShellAsync("{ berth exec nb -- cat big; echo $? >&2; } | head -c 1");
        Assert.Equal(("x", "141"), (ran.Out, ran.Error.TrimEnd()));
    }
}
