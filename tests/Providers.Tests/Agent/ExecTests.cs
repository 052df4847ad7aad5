using Berth.Contracts.Agents;
using Berth.Contracts.Services;
using Berth.Fakes;
using Berth.Tunnel.Resumable;

namespace Berth.Providers.Tests.Agent;

/// <summary>Commands that clients run in a session.</summary>
public sealed class ExecTests : AgentProcessTests
{
    private const byte Interrupt = 2;
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(20);

    public override async ValueTask InitializeAsync()
    {
        await base.InitializeAsync();
        Start(["sleep", "1000"], order => order with { Environment = new Dictionary<string, string> { ["GREETING"] = "hello" }, ActivitySeconds = 1 });
        await Eventually.TrueAsync(() => Report is not null, "the agent is connected");
    }

    [Fact]
    public async Task RunsWithTheFrontEndsVariablesInItsFolder()
    {
        await using var process = await RunAsync("sh", "-c", "echo $GREETING; pwd; echo oops >&2; exit 7");
        Assert.Equal((7, null), await process.Ended.WaitAsync(Soon, Ct));
        Assert.Equal($"hello\n{Workspace}\n", process.Output);
        Assert.Equal("oops\n", process.Error);

        Directory.CreateDirectory(Path.Combine(Workspace, "sub"));
        await using var other = await OpenAsync(new ExecRequest
        {
            Command = ["sh", "-c", "echo $GREETING $MORE; pwd; echo $PWD"],
            WorkingDirectory = "sub",
            Environment = new Dictionary<string, string> { ["MORE"] = "and more" },
        });
        await other.Ended.WaitAsync(Soon, Ct);
        Assert.Equal($"hello and more\n{Workspace}/sub\n{Workspace}/sub\n", other.Output);
    }

    [Fact]
    public async Task BytesGoInAndComeOutAsTheyAre()
    {
        var bytes = new byte[6_000_000];
        new Random(1).NextBytes(bytes);
        await using var process = await RunAsync("cat");
        for (var sent = 0; sent < bytes.Length;)
        {
            await Eventually.TrueAsync(() => sent - process.Taken <= ProcessFrames.InputWindow / 2, "there is room");
            var count = Math.Min(ProcessFrames.InputWindow / 2, bytes.Length - sent);
            await process.SendAsync(bytes.AsMemory(sent, count));
            sent += count;
        }
        await process.EndInputAsync();
        Assert.Equal((0, null), await process.Ended.WaitAsync(Soon, Ct));
        Assert.True(bytes.AsSpan().SequenceEqual(process.Bytes));
    }

    [Fact]
    public async Task ASignalIsHeardBehindInputThatNobodyReads()
    {
        await using var process = await RunAsync("sleep", "1000");
        await process.SendAsync(new byte[ProcessFrames.InputWindow]);
        await process.SignalAsync(Interrupt);
        Assert.Equal((128 + Interrupt, null), await process.Ended.WaitAsync(Soon, Ct));
    }

    [Fact]
    public async Task AllThatWasSaidBeforeTheEndArrivesThoughSomethingElseHoldsTheOutput()
    {
        await using var process = await RunAsync("sh", "-c", "sleep 1234 & echo $! >left; head -c 3000000 /dev/zero; echo end");
        Assert.Equal((0, null), await process.Ended.WaitAsync(Soon, Ct));
        Assert.Equal(3_000_004, process.Bytes.Length);
        // What it left behind is its own affair until the session ends; here it ends now.
        await using var clean = await RunAsync("sh", "-c", "kill $(cat left)");
        await clean.Ended.WaitAsync(Soon, Ct);
    }

    [Fact]
    public async Task WhatItLeftBehindDoesNotHoldUpItsEndByWritingOn()
    {
        await using var process = await RunAsync("sh", "-c", "yes & exit 3");
        Assert.Equal((3, null), await process.Ended.WaitAsync(Soon, Ct));
    }

    [Fact]
    public async Task ACommandThatClosesItsInputKeepsNoThreadOfTheAgentBusy()
    {
        await using var process = await RunAsync("sh", "-c", "exec <&-; echo closed; exec sleep 1000");
        await process.UntilAsync("closed");
        var poller = Directory.GetDirectories($"/proc/{AgentPid}/task").Single(task => File.ReadAllText($"{task}/comm") == "poller\n");
        await Eventually.TrueAsync(() => File.ReadAllText($"{poller}/status").Contains("State:\tS", StringComparison.Ordinal), "it sleeps");
        await process.SignalAsync(Interrupt);
    }

    [Fact]
    public async Task ATerminalHasTheSizeThatItIsGiven()
    {
        await using var process = await OpenAsync(new ExecRequest
        {
            Command = ["sh", "-c", "trap 'stty size' WINCH; stty size; echo $TERM; tty; while :; do read line || :; done"],
            Terminal = new TerminalSize(33, 101),
            Term = "vt220",
        });
        await process.UntilAsync("33 101\r\nvt220\r\n/dev/pts/");
        await process.ResizeAsync(20, 70);
        await process.UntilAsync("20 70");
        // Ctrl-C is the terminal's own to understand.
        await process.TypeAsync("\u0003");
        Assert.Equal((128 + Interrupt, null), await process.Ended.WaitAsync(Soon, Ct));
    }

    [Fact]
    public async Task WhatCannotBeRunSaysWhyWithTheCodeOfAShell()
    {
        await using var missing = await RunAsync("no-such-program");
        var (code, reason) = await missing.Ended.WaitAsync(Soon, Ct);
        Assert.Equal(127, code);
        Assert.StartsWith("no-such-program is not in the image (looked for in ", reason, StringComparison.Ordinal);

        await using var folder = await OpenAsync(new ExecRequest { Command = ["true"], WorkingDirectory = "/none" });
        Assert.Equal((126, "the folder /none does not exist in the session"), await folder.Ended.WaitAsync(Soon, Ct));
    }

    [Fact]
    public async Task EndsWhenItsClientHasGoneForGood()
    {
        // It says more than a pipe holds while it cleans up, and nobody listens.
        const string Script = "trap 'head -c 300000 /dev/zero; echo bye >&2; touch heard; exit' TERM; echo ready; while :; do sleep 0.1; done";
        await using (var process = await RunAsync("sh", "-c", Script))
            await process.UntilAsync("ready");
        await Eventually.TrueAsync(() => File.Exists(Path.Combine(Workspace, "heard")), "it was asked to end, and had a moment for it");
    }

    [Fact]
    public async Task ACommandWithoutATerminalIsUseWhileItRuns()
    {
        IReadOnlyList<string>? uses = null;
        Server.Hub.Activity += (_, _, activity) => uses = activity.Uses;
        await using (await RunAsync("sleep", "1000"))
            await Eventually.TrueAsync(() => uses is [AgentActivity.Terminal], "the command is use");
        await Eventually.TrueAsync(() => uses is [], "until it ends");
    }

    [Fact]
    public async Task ACopyIsUseWhileItRunsAlsoWhereItsClientIsSlow()
    {
        IReadOnlyList<string>? uses = null;
        Server.Hub.Activity += (_, _, activity) => uses = activity.Uses;
        await using (var large = new FileStream(Path.Combine(Workspace, "large"), FileMode.Create))
            large.SetLength(100 << 20);
        ServiceRequest[] copies =
        [
            new UploadRequest { Destination = "to"u8.ToArray() },
            new DownloadRequest { Sources = [new SessionFile("large"u8.ToArray(), "large"u8.ToArray())] },
        ];
        foreach (var copy in copies)
        {
            await using (await RemoteProcess.StreamAsync(Server, Id, copy, new ResumableOptions()))
                await Eventually.TrueAsync(() => uses is [AgentActivity.Copy], $"the {copy.GetType().Name} is use");
            await Eventually.TrueAsync(() => uses is [], "until it ends");
        }
    }

    [Fact]
    public async Task SoManyCommandsAtOnceAndNoMore()
    {
        List<RemoteProcess> processes = [];
        try
        {
            for (var i = 0; i < 64; i++)
                processes.Add(await RunAsync("sleep", "1000"));
            var refused = await Assert.ThrowsAsync<StreamRefusedException>(() => RunAsync("sleep", "1000"));
            Assert.Contains("64 commands", refused.Message, StringComparison.Ordinal);
        }
        finally
        {
            foreach (var process in processes)
                await process.DisposeAsync();
        }
        await Eventually.TrueAsync(async () =>
        {
            try
            {
                await using var process = await RunAsync("true");
                return (await process.Ended).Code == 0;
            }
            catch (StreamRefusedException)
            {
                return false;
            }
        }, "there is room again");
    }

    private Task<RemoteProcess> RunAsync(params string[] command) => OpenAsync(new ExecRequest { Command = command });

    private Task<RemoteProcess> OpenAsync(ExecRequest request) => RemoteProcess.OpenAsync(Server, Id, request);
}
