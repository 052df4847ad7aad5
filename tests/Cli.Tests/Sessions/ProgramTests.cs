using System.Diagnostics;
using Berth.Cli.Tests.House;
using Berth.Contracts.Sessions;
using Berth.Fakes;
using Berth.Server.Tests.Sessions;

namespace Berth.Cli.Tests.Sessions;

/// <summary>The command as a process of its own: signals, and the quick list, are of the process.</summary>
public sealed class ProgramTests : IAsyncLifetime
{
    private SessionServer _server = null!;
    private RealCommand _berth = null!;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _server = await SessionServer.StartAsync();
        _berth = new RealCommand(_server.DataFolder);
    }

    public ValueTask DisposeAsync()
    {
        _berth.Dispose();
        return _server.DisposeAsync();
    }

    [Fact]
    public async Task The_quick_list_is_the_ordinary_list()
    {
        Assert.Equal(new Ran(0, "", "You have no session. Start one with `berth session start`.\n"), await _berth.RunAsync("list"));
        // Ages of hours: those of seconds change between two runs.
        _server.Clock.Move(TimeSpan.FromHours(-2.5));
        await _server.StartSessionAsync(new StartRequest(Image: "busybox", Name: "alpha"));
        await _server.StartSessionAsync(new StartRequest(Image: "busybox", Name: "beta"));
        await _server.Client.PauseSessionAsync("beta", Ct);
        await _server.UntilAsync("beta", "paused");

        var ordinary = await _berth.RunAsync("list", "-o", "table");
        Assert.Equal(ordinary, await _berth.RunAsync("list"));
        Assert.Equal(ordinary, await _berth.RunAsync("session", "list"));
        Assert.Equal(3, ordinary.Line.Split('\n').Length);
    }

    [Theory]
    [InlineData("INT")]
    [InlineData("TERM")]
    public async Task A_signal_while_waiting_leaves_the_session_and_says_how_to_go_on(string signal)
    {
        using var berth = _berth.Start("start", "--image", "busybox", "--name", "slow");
        await Eventually.TrueAsync(() => _server.Compute.Keys.Count == 1, "the compute has it");
        using (var kill = Process.Start("kill", ["-" + signal, $"{berth.Id}"]))
            await kill.WaitForExitAsync(Ct);
        var ran = await RealCommand.EndAsync(berth);
        Assert.Equal((ExitCodes.Interrupted, ""), (ran.Code, ran.Out));
        Assert.Contains("Session 'slow' goes on without you.", ran.Error, StringComparison.Ordinal);
    }
}
