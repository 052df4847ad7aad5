using Berth.Contracts.Sessions;
using Berth.EndToEnd.Tests.House;
using Berth.Fakes;

namespace Berth.EndToEnd.Tests.Crashes;

/// <summary>An engine that stops, crashes or loses its power before, during and after starts. Work is never lost.</summary>
public sealed class EngineRestartTests : IAsyncLifetime
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private readonly PrivateEngine _engine = new();
    private RunningServer _server = null!;
    private SmallImage _image = null!;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "Needs root: an engine of its own.");
        _image = await SmallImage.MakeAsync();
        _server = new RunningServer(_engine.Address);
        await _server.InitializeAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (_server is null)
            return;
        await _server.DisposeAsync();
        await _engine.DisposeAsync();
        await _image.DisposeAsync();
    }

    [Fact]
    public async Task Sessions_wait_for_it_and_after_its_end_say_so_and_resume_with_their_work()
    {
        // Started before there is an engine: it waits, and goes on by itself.
        await _engine.StartAsync();
        await _engine.LoadAsync(_image.Name);
        await _engine.StopAsync("TERM");
        var first = await AskAsync("first");
        await _server.UntilAsync(first, s => s.Berth.Reason == "engine_unreachable", "it says that it waits", Patience);
        await _engine.StartAsync();
        await RunningAsync(first);
        await WriteAsync(first);

        // Stopped in order, crashed, powered off: the reason is told, and the work is there.
        foreach (var end in (Func<Task>[])[() => _engine.StopAsync("TERM"), () => _engine.StopAsync("KILL"), PowerOffAsync])
        {
            await end();
            await _engine.StartAsync();
            await _server.StartAgainAsync();
            var failed = await _server.UntilAsync(first, s => s.Berth.Status == "failed", "it fails", Patience);
            Assert.Equal("killed", failed.Berth.Reason);
            Assert.Contains("resume first", failed.Berth.NextStep, StringComparison.Ordinal);
            await _server.Api.ResumeSessionAsync(first, new ResumeRequest(), Ct);
            await RunningAsync(first);
            Assert.Equal("kept", await ReadAsync(first));
        }

        // Crashed while sessions start: each runs, or says why it failed and can be resumed.
        var starting = await Task.WhenAll(Enumerable.Range(0, 3).Select(i => AskAsync($"starting{i}")));
        await _engine.StopAsync("KILL");
        await _engine.StartAsync();
        foreach (var id in starting)
        {
            var session = await _server.UntilAsync(id, s => s.Berth.Status is "running" or "failed", "it runs or fails", Patience);
            if (session.Berth.Status == "failed")
            {
                Assert.NotNull(session.Berth.Reason);
                await _server.Api.ResumeSessionAsync(id, new ResumeRequest(), Ct);
            }

            await RunningAsync(id);
        }

        // An engine that keeps containers alive: nobody notices.
        await _engine.StopAsync("TERM");
        await _engine.StartAsync("--live-restore");
        foreach (var id in starting)
            await _server.Api.StopSessionAsync(id, deleteWork: true, Ct);
        await _server.UntilAsync(first, s => s.Berth.Status == "failed", "it fails", Patience);
        await _server.Api.ResumeSessionAsync(first, new ResumeRequest(), Ct);
        var before = await RunningAsync(first);
        await _engine.StopAsync("TERM");
        await _engine.StartAsync("--live-restore");
        await Eventually.TrueAsync(async () => (await _server.Api.HealthAsync(Ct)).Checks.Single(c => c.Name == "docker").Ok, "the engine is seen again", Patience);
        var after = await RunningAsync(first);
        Assert.Equal((before.Berth.StatusSince, before.Berth.Generation), (after.Berth.StatusSince, after.Berth.Generation));

        foreach (var session in await _server.Api.ListSessionsAsync(Ct))
        {
            await _server.Api.StopSessionAsync(session.Id, deleteWork: true, Ct);
            await _server.UntilAsync(session.Id, s => s.Berth.Status == "ended", "it ends", Patience);
        }

        Assert.Equal("", (await _engine.DockerAsync("ps", "--all", "--quiet")).Out);
        await Eventually.TrueAsync(async () => (await _engine.DockerAsync("volume", "ls", "--quiet")).Out.Length == 0, "no volume is left");
    }

    private async Task PowerOffAsync()
    {
        await _server.KillAsync();
        await _engine.PowerOffAsync();
    }

    private async Task<string> AskAsync(string name) =>
        (await _server.Api.StartSessionAsync(Scenarios.Request(name, _image.Name), Ct)).Session.Id;

    private Task<SessionView> RunningAsync(string id) => _server.UntilAsync(id, s => s.Berth.Status == "running", "it runs", Patience);

    private async Task WriteAsync(string id) => Assert.Equal(0, (await ExecAsync(id, "echo kept >/work/kept")).Code);

    private async Task<string> ReadAsync(string id) => (await ExecAsync(id, "busybox cat /work/kept")).Line;

    private async Task<Ran> ExecAsync(string id, string command)
    {
        var container = (await _engine.DockerAsync("ps", "--quiet", "--filter", $"label=io.berth.session={id}")).Line;
        return await _engine.DockerAsync("exec", container, "/bin/sh", "-c", command);
    }
}
