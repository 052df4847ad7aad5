using System.Net;
using Berth.Contracts.Client;
using Berth.Contracts.Sessions;
using Berth.EndToEnd.Tests.House;

namespace Berth.EndToEnd.Tests;

/// <summary>Deadlines of seconds, met by a real server and engine.</summary>
public sealed class DeadlineTests(RunningServer server) : IClassFixture<RunningServer>
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_front_end_that_never_answers_fails_at_its_limit_with_its_log_and_nothing_runs_on()
    {
        await using var image = await SmallImage.MakeAsync();
        await MakePoolAsync("impatient", "--starting", "5s");
        var request = Request(image, "impatient") with { Args = ["/bin/sh", "-c", "echo I will never listen; exec sleep 1000"] };
        var (session, _) = await server.Api.StartSessionAsync(request, Ct);

        var failed = await server.UntilAsync(session.Id, s => s.Berth.Status == "failed", "it fails", Patience);

        Assert.Equal("nothing_listens", failed.Berth.Reason);
        Assert.Contains("8000", failed.Berth.Sentence, StringComparison.Ordinal);
        Assert.NotNull(failed.Berth.NextStep);
        Assert.True(failed.Berth.StatusSince - session.Started >= TimeSpan.FromSeconds(5), $"{failed.Berth.StatusSince - session.Started}");
        await Fakes.Eventually.TrueAsync(async () => (await Engine.ContainersAsync(server.Installation)).Length == 0, "its container is gone");
        var log = await server.BerthAsync("session", "logs", session.Id);
        Assert.Contains("I will never listen", log.Out, StringComparison.Ordinal);
        Assert.Single(await Engine.VolumesAsync(server.Installation));
        await server.RemoveAsync(session.Id);
    }

    [Fact]
    public async Task An_idle_session_is_warned_of_and_paused_and_has_its_work_when_it_is_resumed()
    {
        await using var image = await SmallImage.MakeAsync();
        await MakePoolAsync("hasty", "--idle", "10s", "--warning", "4s");
        var session = await server.StartSessionAsync(Request(image, "hasty"));
        await InsideAsync(session, "echo kept > /work/note");

        var warned = await server.UntilAsync(session.Id, s => s.Berth.Warning is not null, "its owner is warned", Patience);
        Assert.Equal("running", warned.Berth.Status);
        var paused = await server.UntilAsync(session.Id, s => s.Berth.Status == "paused", "it is paused", Patience);

        Assert.Equal("idle", paused.Berth.Reason);
        Assert.Empty(await Engine.ContainersAsync(server.Installation));
        await server.Api.ResumeSessionAsync(session.Id, new ResumeRequest(), Ct);
        await server.UntilAsync(session.Id, s => s.Berth.Status == "running", "it runs again", Patience);
        Assert.Equal("kept", await InsideAsync(session, "cat /work/note"));
        await server.RemoveAsync(session.Id);
    }

    [Fact]
    public async Task A_session_is_paused_at_its_maximum_age_whatever_its_owner_asks_for_and_resumes_with_a_new_one()
    {
        await using var image = await SmallImage.MakeAsync();
        await MakePoolAsync("ageing", "--age", "10s", "--warning", "3s");
        var session = await server.StartSessionAsync(Request(image, "ageing"));
        var refused = await Assert.ThrowsAsync<ApiException>(() => server.Api.ExtendSessionAsync(session.Id, new ExtendRequest(60), Ct));
        Assert.Equal(HttpStatusCode.Conflict, refused.Status);
        Assert.Contains("maximum age of 10 s", refused.Message, StringComparison.Ordinal);

        var paused = await server.UntilAsync(session.Id, s => s.Berth.Status == "paused", "it is paused", Patience);

        Assert.Equal("maximum_age", paused.Berth.Reason);
        Assert.Empty(await Engine.ContainersAsync(server.Installation));
        await server.Api.ResumeSessionAsync(session.Id, new ResumeRequest(), Ct);
        var again = await server.UntilAsync(session.Id, s => s.Berth.Status == "running", "it runs again", Patience);
        Assert.True(again.Berth.StopsAt > paused.Berth.StatusSince + TimeSpan.FromSeconds(9));
        await server.RemoveAsync(session.Id);
    }

    private static StartRequest Request(SmallImage image, string pool) =>
        new(Image: image.Name, Name: pool, Port: 8000, Args: SmallImage.WebServer, PoolName: pool);

    private async Task MakePoolAsync(string name, params string[] limits)
    {
        var made = await server.BerthAsync(["pool", "create", name, "--public", "--cpu", "0.1", "--memory", "0.1G", .. limits]);
        Assert.True(made.Code == 0, made.Error);
    }

    private async Task<string> InsideAsync(SessionView session, string command)
    {
        var container = Assert.Single(await Engine.ContainersOfAsync(server.Installation, session.Id));
        return (await Ran.WellAsync("docker", "exec", container, "/bin/busybox", "sh", "-c", command)).Line;
    }
}
