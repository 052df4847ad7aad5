using Berth.Contracts.Client;
using Berth.Contracts.Problems;
using Berth.Contracts.Sessions;
using Berth.Server.Users;

namespace Berth.Server.Tests.Sessions;

public sealed class AdminSessionTests : IAsyncLifetime
{
    private SessionServer _server = null!;
    private string _other = "";

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _server = await SessionServer.StartAsync();
        _other = await _server.Db.WriteAsync(c => NewUser.InsertAsync(c, new NewUser("ada"), TimeProvider.System), Ct);
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Theory]
    [InlineData("pause", "paused", "It was paused by the administrator ")]
    [InlineData("stop", "ended", "It was stopped by the administrator ")]
    public async Task AnAdminTakesBackComputeAndTheOwnerIsTold(string verb, string status, string words)
    {
        var session = await RunningOfAdaAsync();
        var admin = (await _server.Client.WhoAmIAsync(Ct)).Username;
        await _server.Client.ActAsAdminAsync(session, verb, Ct);
        await Fakes.Eventually.TrueAsync(async () => (await OneAsync(ended: status == "ended"))?.Status == status, $"it is {status}");
        Assert.Equal("by_admin", (await OneAsync(ended: status == "ended"))!.Reason);
        Assert.Single(_server.Compute.Workspaces);

        await GiveToMeAsync(session);
        var seen = await _server.Client.GetSessionAsync(session, Ct);
        Assert.Equal(words + admin + ".", seen.Berth.Sentence);
        var events = await _server.Client.SessionEventsAsync(session, Ct);
        Assert.Single(events, e => e.Kind == "admin" && e.By == admin && e.Text.EndsWith($"by the administrator {admin}.", StringComparison.Ordinal));
        Assert.Contains(events, e => e.By is null);
    }

    [Fact]
    public async Task AskedTwiceItIsToldOnce()
    {
        var session = await RunningOfAdaAsync();
        await _server.Client.ActAsAdminAsync(session, "pause", Ct);
        await _server.Client.ActAsAdminAsync(session, "pause", Ct);
        await Fakes.Eventually.TrueAsync(async () => (await OneAsync())?.Status == "paused", "it is paused");
        await GiveToMeAsync(session);
        Assert.Single(await _server.Client.SessionEventsAsync(session, Ct), e => e.Kind == "admin");
    }

    [Fact]
    public async Task WhatIsInASessionIsNotShown()
    {
        var (session, agent) = await _server.RunningAsync(new StartRequest(
            Image: "busybox", Env: new Dictionary<string, string> { ["SECRET"] = "hunter2" }, Repositories: [new RepositoryRequest("https://example.org/private.git")]));
        await using var _ = agent;
        await GiveToAdaAsync(session.Id);
        var shown = (await _server.Client.GetJsonAsync("api/berth/all_sessions", Ct)).ToString();
        Assert.Contains(session.Id, shown);
        Assert.DoesNotContain("hunter2", shown);
        Assert.DoesNotContain("private.git", shown);
        Assert.DoesNotContain("http://", shown);
        foreach (var path in new[] { "", "/events", "/logs" })
            Assert.Equal(ProblemCode.NotFound, (await Assert.ThrowsAsync<ApiException>(() => _server.Client.GetJsonAsync($"api/berth/sessions/{session.Id}{path}", Ct))).Problem.Kind);
    }

    [Fact]
    public async Task ASessionThatIsNotThereIsNotFound() =>
        Assert.Equal(ProblemCode.NotFound, (await Assert.ThrowsAsync<ApiException>(() => _server.Client.ActAsAdminAsync("01M7Y7NNB25RVXNPSKAXR33Z2G", "stop", Ct))).Problem.Kind);

    [Fact]
    public async Task TheListIsOfOneUserOrOfAll()
    {
        await RunningOfAdaAsync();
        await _server.StartSessionAsync();
        Assert.Equal(2, (await _server.Client.ListAllSessionsAsync(null, false, Ct)).Count);
        Assert.Equal("ada", Assert.Single(await _server.Client.ListAllSessionsAsync("ada", false, Ct)).Username);
        Assert.Empty(await _server.Client.ListAllSessionsAsync("nobody", false, Ct));
    }

    private async Task<string> RunningOfAdaAsync()
    {
        var (session, agent) = await _server.RunningAsync();
        await agent.DisposeAsync();
        await GiveToAdaAsync(session.Id);
        return session.Id;
    }

    private Task<int> GiveToAdaAsync(string session) => GiveAsync(session, _other);

    private async Task GiveToMeAsync(string session) => await GiveAsync(session, (await _server.Client.WhoAmIAsync(Ct)).Id);

    private Task<int> GiveAsync(string session, string user) =>
        _server.Db.ExecuteAsync("UPDATE sessions SET user_id = @user WHERE id = @session", new { user, session }, Ct);

    private async Task<AdminSessionView?> OneAsync(bool ended = false) => (await _server.Client.ListAllSessionsAsync("ada", ended, Ct)).SingleOrDefault();
}
