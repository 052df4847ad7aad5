using Berth.Contracts.Sessions;
using Berth.EndToEnd.Tests.House;

namespace Berth.EndToEnd.Tests.Crashes;

/// <summary>What people do to containers by hand: the session says what happened, and resumes.</summary>
public sealed class ByHandTests(RunningServer server) : IClassFixture<RunningServer>
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public static TheoryData<string, string, string[]> Hands => new()
    {
        { "killed", "signal 9", ["kill"] },
        { "killed", "signal 15", ["stop"] },
        { "vanished", "Berth did not remove it", ["rm", "--force"] },
        { "front_end_failed", "signal 9", ["exec", "/bin/busybox", "kill", "-9", "-1"] },
    };

    [Theory]
    [MemberData(nameof(Hands))]
    public async Task Says_what_happened_and_resumes(string reason, string words, string[] docker)
    {
        await using var image = await SmallImage.MakeAsync();
        var session = await server.StartSessionAsync(Scenarios.Request(docker[0], image.Name));
        var container = Assert.Single(await Engine.ContainersOfAsync(server.Installation, session.Id));

        await Ran.WellAsync("docker", docker[0] == "exec" ? [docker[0], container, .. docker[1..]] : [.. docker, container]);
        var failed = await server.UntilAsync(session.Id, s => s.Berth.Status == "failed", "it fails");
        Assert.Equal(reason, failed.Berth.Reason);
        Assert.Contains(words, failed.Berth.Sentence, StringComparison.Ordinal);

        await server.Api.ResumeSessionAsync(session.Id, new ResumeRequest(), Ct);
        await server.UntilAsync(session.Id, s => s.Berth.Status == "running", "it runs");
        Assert.Single(await Engine.ContainersOfAsync(server.Installation, session.Id));
        await server.RemoveAsync(session.Id);
    }
}
