using System.Net;
using System.Text.Json.Nodes;
using Berth.Contracts.Client;
using Berth.Contracts.Problems;
using Berth.Contracts.Sessions;

namespace Berth.Server.Tests.Sessions;

public sealed class StartTests : IAsyncLifetime
{
    private SessionServer _server = null!;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _server = await SessionServer.StartAsync();

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task TwoStartsOfOneLauncherAtOnceAreOneSession()
    {
        var (first, _) = await _server.StartSessionAsync();
        await _server.Client.StopSessionAsync(first.Id, deleteWork: false, Ct);
        await _server.UntilAsync(first.Id, "ended");

        var starts = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => _server.StartSessionAsync(new StartRequest(LauncherId: first.LauncherId))));

        Assert.Single(starts.Select(s => s.Session.Id).Distinct());
        Assert.Single(starts, s => s.Created);
    }

    [Fact]
    public async Task WhatIsDeletedAtTheMomentOfItsStartIsNotFoundAndNoFault()
    {
        for (var i = 0; i < 40; i++)
        {
            var made = await _server.Client.SendJsonAsync(HttpMethod.Post, "api/data/environments", new JsonObject { ["name"] = $"short-lived {i}", ["container_image"] = "busybox" }, Ct);
            var environment = made.GetProperty("id").GetString()!;
            var starting = _server.StartSessionAsync(new StartRequest(EnvironmentId: environment));
            var deleting = _server.Client.DeleteAsync($"api/data/environments/{environment}", Ct);
            try
            {
                var (session, _) = await starting;
                await _server.Client.StopSessionAsync(session.Id, deleteWork: true, Ct);
            }
            catch (ApiException refused)
            {
                Assert.Equal(HttpStatusCode.NotFound, refused.Status);
            }

            try
            {
                await deleting;
            }
            catch (ApiException refused)
            {
                Assert.Equal(HttpStatusCode.Conflict, refused.Status); // it is in use
            }
        }
    }

    [Fact]
    public async Task StartingALauncherWhoseSessionIsPausedResumesIt()
    {
        var (session, agent) = await _server.RunningAsync();
        await using (agent)
            await _server.Client.PauseSessionAsync(session.Id, Ct);
        await _server.UntilAsync(session.Id, "paused");

        var (again, created) = await _server.StartSessionAsync(new StartRequest(LauncherId: session.LauncherId));
        Assert.False(created);
        Assert.Equal((session.Id, "launching", 2), (again.Id, again.Berth.Status, again.Berth.Generation));
    }

    [Fact]
    public async Task NamesAreMadeWhereNoneIsGivenAndRefusedWhereTaken()
    {
        var (one, _) = await _server.StartSessionAsync();
        var (two, _) = await _server.StartSessionAsync();
        Assert.Equal(("busybox", "busybox-2"), (one.Name, two.Name));

        var taken = await Refused(new StartRequest(Image: "busybox", Name: "busybox"));
        Assert.Equal((ProblemCode.Conflict, "name"), (taken.Kind, taken.Field));
    }

    [Theory]
    [InlineData(63, true)]
    [InlineData(64, false)]
    public async Task ANameHasUpTo63Characters(int length, bool accepted)
    {
        var request = new StartRequest(Image: "busybox", Name: new string('a', length));
        if (accepted)
            Assert.Equal(length, (await _server.StartSessionAsync(request)).Session.Name.Length);
        else
            Assert.Equal("name", (await Refused(request)).Field);
    }

    [Fact]
    public async Task AmountsChooseTheSmallestClassThatHasThem()
    {
        Assert.Equal("class-8", (await _server.StartSessionAsync(new StartRequest(Image: "busybox", Cpu: 3))).Session.Berth.ClassName);
        Assert.Equal("class-1", (await _server.StartSessionAsync(new StartRequest(Image: "busybox", Cpu: 0.5))).Session.Berth.ClassName);
        var tooMuch = await Refused(new StartRequest(Image: "busybox", Cpu: 9));
        Assert.Equal(ProblemCode.NoCapacity, tooMuch.Kind);
        Assert.Contains("8 cores", tooMuch.Message);
    }

    public static TheoryData<StartRequest, string> Nasty => new()
    {
        { new StartRequest(Image: "-v /:/host"), "image" },
        { new StartRequest(Image: "UPPER/case"), "image" },
        { new StartRequest(Image: ""), "image" },
        { new StartRequest(Image: "busybox", Name: "../x"), "name" },
        { new StartRequest(Image: "busybox", Name: "a b"), "name" },
        { new StartRequest(Image: "busybox", Port: 0), "port" },
        { new StartRequest(Image: "busybox", Port: 65400), "port" },
        { new StartRequest(Image: "busybox", DefaultUrl: "//evil.example"), "default_url" },
        { new StartRequest(Image: "busybox", Cpu: 0), "cpu" },
        { new StartRequest(Image: "busybox", MemoryGb: -1), "memory_gb" },
        { new StartRequest(Image: "busybox", DiskGb: 0), "disk_gb" },
        { new StartRequest(Image: "busybox", DiskGb: 51), "disk_gb" },
        { new StartRequest(Image: "busybox", Gpu: "some"), "gpu" },
        { new StartRequest(Image: "busybox", HostFolder: "relative"), "host_folder" },
        { new StartRequest(Image: "busybox", HostFolder: "/no/such/folder"), "host_folder" },
        { new StartRequest(Image: "busybox", Env: new Dictionary<string, string> { ["1A"] = "x" }), "env.1A" },
        { new StartRequest(Image: "busybox", Env: new Dictionary<string, string> { ["RENKU_X"] = "x" }), "env.RENKU_X" },
        { new StartRequest(Image: "busybox", Repositories: [new RepositoryRequest("--upload-pack=evil")]), "repositories[0].url" },
        { new StartRequest(Image: "busybox", Repositories: [new RepositoryRequest("https://example.org/r", Branch: "--evil")]), "repositories[0].branch" },
        { new StartRequest(Image: "busybox", LauncherId: "01HXXXXXXXXXXXXXXXXXXXXXXX"), "launcher_id" },
        { new StartRequest(LauncherId: "01HXXXXXXXXXXXXXXXXXXXXXXX"), "launcher_id" },
    };

    [Theory]
    [MemberData(nameof(Nasty))]
    public async Task ABadFieldIsRefusedByNameAndNothingIsLeftBehind(StartRequest request, string field)
    {
        Assert.Equal(field, (await Refused(request)).Field);
        Assert.Empty(await _server.Client.ListSessionsAsync(Ct));
        Assert.Empty(_server.Compute.Keys);
    }

    [Fact]
    public async Task WhatMayNotBeDoneNowIsRefusedWithTheNextStep()
    {
        var (session, agent) = await _server.RunningAsync();
        await using (agent)
            await _server.Client.StopSessionAsync(session.Id, deleteWork: false, Ct);
        await _server.UntilAsync(session.Id, "ended");

        var refused = await Assert.ThrowsAsync<ApiException>(() => _server.Client.ExtendSessionAsync(session.Id, new ExtendRequest(), Ct));
        Assert.Equal(ProblemCode.Conflict, refused.Problem.Kind);
        Assert.Contains($"berth session start --continue {session.Id}", refused.Message);
    }

    [Fact]
    public async Task EveryChangeIsToldWithoutAsking()
    {
        var changes = await _server.Client.ListenAsync(Ct);
        var (session, _) = await _server.StartSessionAsync();
        await foreach (var change in changes)
        {
            if (change.Id == session.Id)
                break;
        }
    }

    [Fact]
    public async Task TheHistoryTellsWhatHappenedInSentences()
    {
        var (session, agent) = await _server.RunningAsync();
        await using var _ = agent;
        var events = await _server.Client.SessionEventsAsync(session.Id, Ct);
        Assert.Equal("Asked for.", events[0].Text);
        Assert.Equal("It runs.", events[^1].Text);
    }

    private async Task<ProblemDetail> Refused(StartRequest request) =>
        (await Assert.ThrowsAsync<ApiException>(() => _server.StartSessionAsync(request))).Problem;
}
