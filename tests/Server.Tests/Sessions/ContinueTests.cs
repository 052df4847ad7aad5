using Berth.Contracts.Client;
using Berth.Contracts.Problems;
using Berth.Contracts.Sessions;
using Berth.Core.Sessions;
using Berth.Fakes;
using Berth.Server.Tests.Storage;
using Dapper;

namespace Berth.Server.Tests.Sessions;

public abstract class ContinueTests : IAsyncLifetime
{
    private SessionServer _server = null!;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    protected virtual Task<string?> DatabaseUrlAsync() => Task.FromResult<string?>(null);

    public async ValueTask InitializeAsync() => _server = await SessionServer.StartAsync(await DatabaseUrlAsync());

    public ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        return _server.DisposeAsync();
    }

    [Fact]
    public async Task ANewSessionWorksInTheWorkspaceOfTheOldOneAndIsWhatThatWas()
    {
        var old = await EndedAsync(new StartRequest(
            Image: "busybox", Name: "old", DefaultUrl: "/x", Port: 1234, ResourceClassId: 902, Env: new Dictionary<string, string> { ["A"] = "b" },
            Repositories: [new RepositoryRequest("https://example.org/code.git", Branch: "dev")]));
        Assert.True(old.Berth.WorkKept);

        var next = await ContinueAsync("old");
        var order = await OrderAsync(next);
        Assert.Equal(SessionKey.NameOfWorkspace(old.Id), order.WorkspaceName);
        Assert.Equal(("/x", 1234, "b", "dev"), (order.Spec.DefaultUrl, order.Spec.Port, order.Spec.Environment["A"], order.Spec.Repositories.Single().Branch));
        Assert.Equal(("old", old.LauncherId, 902, old.Id), (next.Name, next.LauncherId, next.ResourceClassId, next.Berth.Continues));

        var before = await _server.Client.GetSessionAsync(old.Id, Ct);
        Assert.Equal((false, next.Id, null), (before.Berth.WorkKept, before.Berth.ContinuedBy, before.Berth.StopsAt));
        var told = (await _server.Client.SessionEventsAsync(old.Id, Ct))[^1];
        Assert.Equal("Its work goes on in session 'old'.", told.Text);
        Assert.NotNull(told.By);
    }

    [Fact]
    public async Task TheRetentionOfTheOldSessionDoesNotDeleteTheWorkAndItsOwnEndDoes()
    {
        var old = await EndedAsync();
        var next = await ContinueAsync(old.Id);
        await OrderAsync(next);

        _server.Clock.Move(TimeSpan.FromDays(15));
        await _server.RestartAsync();
        await Eventually.TrueAsync(() => IsWarnedAsync(old.Id), "its deadline is seen"); // nobody is met by one unwarned
        // What the deadline writes once it was warned of.
        await _server.Db.ExecuteAsync("UPDATE sessions SET wish = 'stopanddelete', version = version + 1 WHERE id = @Id", new { old.Id }, Ct);
        await _server.RestartAsync();
        await Eventually.TrueAsync(async () => !await HasWorkspaceAsync(old.Id), "what was left of the old session is cleared away");
        Assert.DoesNotContain(await _server.Client.SessionEventsAsync(old.Id, Ct), e => e.Kind == "warned");
        Assert.Equal([SessionKey.NameOfWorkspace(old.Id)], _server.Compute.Workspaces.Keys);

        await _server.Client.StopSessionAsync(next.Id, deleteWork: true, Ct);
        await Eventually.TrueAsync(() => _server.Compute.Workspaces.IsEmpty, "the work is deleted with the session that has it");
    }

    [Fact]
    public async Task ToDeleteTheOldSessionsWorkOnceItWentOnDeletesNothing()
    {
        var old = await EndedAsync();
        await OrderAsync(await ContinueAsync(old.Id));
        await _server.Client.StopSessionAsync(old.Id, deleteWork: true, Ct);
        await Eventually.TrueAsync(async () => !await HasWorkspaceAsync(old.Id), "what was left of the old session is cleared away");
        Assert.Single(_server.Compute.Workspaces);
    }

    [Fact]
    public async Task TheWorkGoesOnFromSessionToSession()
    {
        var first = await EndedAsync();
        var second = await ContinueAsync(first.Id);
        await OrderAsync(second);
        await EndAsync(second);
        var third = await ContinueAsync(second.Id);
        Assert.Equal(SessionKey.NameOfWorkspace(first.Id), (await OrderAsync(third)).WorkspaceName);
        Assert.Contains(third.Id, (await RefusalOf(new StartRequest(Continue: second.Id))).Message);
        await AssertEachWorkspaceIsOneRowsAsync();
    }

    [Fact]
    public async Task OfManyThatGoOnAtOnceOneGetsTheWork()
    {
        var old = await EndedAsync();
        var tries = await Task.WhenAll(Enumerable.Range(0, 6).Select(async i =>
        {
            try
            {
                return (await _server.StartSessionAsync(new StartRequest(Image: "busybox", Name: $"s{i}", Continue: old.Id))).Session;
            }
            catch (ApiException e) when (e.Problem is { Kind: ProblemCode.Conflict, Field: "continue" })
            {
                return null;
            }
        }));
        Assert.Single(tries, s => s is not null);
        Assert.Single(await _server.Client.ListSessionsAsync(Ct));
        await AssertEachWorkspaceIsOneRowsAsync();
    }

    [Fact]
    public async Task AServerThatDiesAfterTheCommitStartsItInThatWorkspace()
    {
        var old = await EndedAsync();
        var held = new TaskCompletionSource();
        _server.Compute.OnStart = (_, _, ct) => held.Task.WaitAsync(ct);
        var next = await ContinueAsync(old.Id);
        await _server.RestartAsync();
        held.SetResult();
        Assert.Equal(SessionKey.NameOfWorkspace(old.Id), (await OrderAsync(next)).WorkspaceName);
    }

    [Fact]
    public async Task WhatCannotBeGoneOnWithIsRefusedWithWhatToDo()
    {
        var (running, agent) = await _server.RunningAsync(new StartRequest(Image: "busybox", Name: "live"));
        await using var _ = agent;
        await RefusedAsync("live", ProblemCode.Conflict, "berth session stop live");
        await _server.Client.PauseSessionAsync(running.Id, Ct);
        await _server.UntilAsync(running.Id, "paused");
        await RefusedAsync(running.Id, ProblemCode.Conflict, "berth session resume live");
        await RefusedAsync("nothing", ProblemCode.NotFound, "berth session list --ended");

        await _server.Client.StopSessionAsync(running.Id, deleteWork: true, Ct);
        await _server.UntilAsync(running.Id, "ended");
        await RefusedAsync(running.Id, ProblemCode.Conflict, "is deleted");

        var mine = await EndedAsync(new StartRequest(Image: "busybox", Name: "theirs"));
        var other = await _server.Db.WriteAsync(c => Users.NewUser.InsertAsync(c, new Users.NewUser("other"), TimeProvider.System), Ct);
        await _server.Db.ExecuteAsync("UPDATE sessions SET user_id = @other WHERE id = @Id", new { other, mine.Id }, Ct);
        await RefusedAsync(mine.Id, ProblemCode.NotFound, "You have no session");
    }

    [Fact]
    public async Task ALauncherThatHasASessionAlreadyIsNotMixedUpWithIt()
    {
        var old = await EndedAsync();
        var (live, _) = await _server.StartSessionAsync(new StartRequest(LauncherId: old.LauncherId));
        Assert.Contains(live.Name, (await RefusalOf(new StartRequest(Continue: old.Id))).Message);
        Assert.True((await _server.Client.GetSessionAsync(old.Id, Ct)).Berth.WorkKept);
    }

    private async Task<SessionView> EndedAsync(StartRequest? request = null)
    {
        var (session, agent) = await _server.RunningAsync(request);
        await agent.DisposeAsync();
        return await EndAsync(session);
    }

    private async Task<SessionView> EndAsync(SessionView session)
    {
        await _server.Client.StopSessionAsync(session.Id, deleteWork: false, Ct);
        return await _server.UntilAsync(session.Id, "ended");
    }

    private async Task<SessionView> ContinueAsync(string from) => (await _server.StartSessionAsync(new StartRequest(Continue: from))).Session;

    private async Task<Core.Providers.StartOrder> OrderAsync(SessionView session)
    {
        await Eventually.TrueAsync(() => _server.Compute.Orders.Any(o => o.Key.SessionId == session.Id), "the compute has it");
        return _server.Compute.Orders.First(o => o.Key.SessionId == session.Id);
    }

    private async Task<bool> HasWorkspaceAsync(string id)
    {
        await using var connection = await _server.Db.OpenAsync(Ct);
        return await connection.ExecuteScalarAsync<bool>("SELECT has_workspace FROM sessions WHERE id = @id", new { id });
    }

    private async Task<bool> IsWarnedAsync(string id)
    {
        await using var connection = await _server.Db.OpenAsync(Ct);
        return await connection.ExecuteScalarAsync<long?>("SELECT warned_of FROM sessions WHERE id = @id", new { id }) is not null;
    }

    private async Task AssertEachWorkspaceIsOneRowsAsync()
    {
        await using var connection = await _server.Db.OpenAsync(Ct);
        var workspaces = (await connection.QueryAsync<string>("SELECT workspace FROM sessions")).ToList();
        Assert.Equal(workspaces.Count, workspaces.Distinct().Count());
    }

    private async Task RefusedAsync(string from, ProblemCode code, string words)
    {
        var refusal = await RefusalOf(new StartRequest(Continue: from));
        Assert.Equal((code, "continue"), (refusal.Kind, refusal.Field));
        Assert.Contains(words, refusal.Message);
    }

    private async Task<ProblemDetail> RefusalOf(StartRequest request) =>
        (await Assert.ThrowsAsync<ApiException>(() => _server.StartSessionAsync(request))).Problem;
}

public sealed class ContinueOnSqliteTests : ContinueTests;

[Trait("Needs", "postgres")]
public sealed class ContinueOnPostgresTests(PostgresFixture postgres) : ContinueTests
{
    protected override async Task<string?> DatabaseUrlAsync() => await postgres.CreateDatabaseAsync();
}
