using Berth.Contracts.Services;
using Berth.Fakes;
using Berth.Tunnel.Resumable;

namespace Berth.Providers.Tests.Agent;

/// <summary>Terminals of a session that outlive their clients.</summary>
public sealed class TerminalTests : AgentProcessTests
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(20);

    public override async ValueTask InitializeAsync()
    {
        await base.InitializeAsync();
        Start(["sleep", "1000"], order => order with { Environment = new Dictionary<string, string> { ["SHELL"] = "/bin/sh", ["PS1"] = "$ " } });
        await Eventually.TrueAsync(() => Report is not null, "the agent is connected");
    }

    [Fact]
    public async Task GoesOnWithoutAClientAndShowsTheNextOneItsScreen()
    {
        await using (var first = await OpenAsync())
        {
            await first.TypeAsync("word=kept; echo first-$((40 + 2)); cat\n");
            await first.UntilAsync("first-42");
            Assert.Equal("1", first.Name);
        }
        await Eventually.TrueAsync(async () => await ListAsync() is [{ Attached: false }], "nobody looks at it");
        Assert.Equal(("1", "cat"), ((await ListAsync())[0].Name, (await ListAsync())[0].Program));

        await using var second = await OpenAsync("1");
        await second.UntilAsync("first-42");
        await second.TypeAsync("\u0003");
        await Eventually.TrueAsync(async () => await ListAsync() is [{ Program: "sh" }], "the shell is back");
        await second.TypeAsync("echo $word-$((1 + 1))\n");
        await second.UntilAsync("kept-2");
        await second.TypeAsync("exit 3\n");
        Assert.Equal((3, null), await second.Ended.WaitAsync(Soon, Ct));
        await Eventually.TrueAsync(async () => await ListAsync() is [], "it is gone with its shell");
    }

    [Fact]
    public async Task WhoComesTakesOver()
    {
        await using var first = await OpenAsync("mine");
        await first.TypeAsync("echo here-$((1 + 1))\n");
        await first.UntilAsync("here-2");
        await using var second = await OpenAsync("mine");
        await first.Ended.WaitAsync(Soon, Ct);
        Assert.True(first.WasTakenOver);
        await second.UntilAsync("here-2");
        Assert.Equal([("mine", true)], (await ListAsync()).Select(terminal => (terminal.Name, terminal.Attached)));
    }

    [Fact]
    public async Task AClientThatReadsSlowlyMissesNothing()
    {
        await using var terminal = await OpenAsync();
        await terminal.TypeAsync("stty -echo; seq 1 300000; echo all-$((1 + 1))\n");
        await terminal.UntilAsync("all-2");
        var lines = terminal.Output.Split("\r\n").Where(line => int.TryParse(line, out _)).Select(int.Parse).ToList();
        Assert.Equal(Enumerable.Range(1, 300_000), lines);
    }

    [Fact]
    public async Task DoesNotWaitForAClientWhoseLineIsCutAndShowsItTheEndLater()
    {
        await using var stalled = await OpenAsync("busy", new ResumableOptions { Window = 64 * 1024 }, listen: false);
        await stalled.TypeAsync($"seq 1 300000; touch {Workspace}/done\n");
        await Eventually.TrueAsync(() => File.Exists(Path.Combine(Workspace, "done")), "the command comes to its end");
        await using var back = await OpenAsync("busy");
        await back.UntilAsync("\n300000\r\n");
        Assert.True(back.Bytes.Length <= 256 * 1024);
    }

    [Fact]
    public async Task AShellThatIsNotThereIsNamed()
    {
        await using var terminal = await RemoteProcess.OpenAsync(Server, Id, new TerminalRequest { Shell = "no-such-shell" });
        var (code, reason) = await terminal.Ended.WaitAsync(Soon, Ct);
        Assert.Equal(127, code);
        Assert.StartsWith("no-such-shell is not in the image", reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task SoManyTerminalsAndNoMore()
    {
        for (var i = 1; i <= 16; i++)
            await (await OpenAsync()).DisposeAsync();
        var refused = await Assert.ThrowsAsync<StreamRefusedException>(() => OpenAsync());
        Assert.Equal("The session has 16 terminals, which is the most: end some.", refused.Message);
    }

    private Task<RemoteProcess> OpenAsync(string? name = null, ResumableOptions? options = null, bool listen = true) =>
        RemoteProcess.OpenAsync(Server, Id, new TerminalRequest { Name = name }, options, listen);

    private async Task<IReadOnlyList<TerminalView>> ListAsync() => (await RemoteProcess.TerminalsAsync(Server, Id)).Terminals;
}
