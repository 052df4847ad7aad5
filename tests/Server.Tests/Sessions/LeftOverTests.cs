using System.Net;
using Berth.Contracts.Client;
using Berth.Contracts.Sessions;
using Berth.Core.Sessions;
using Berth.Fakes;
using Berth.Server.Sessions.LeftOvers;
using Microsoft.Extensions.Logging.Abstractions;

namespace Berth.Server.Tests.Sessions;

/// <summary>What no row names: folders go by themselves, workspaces never do.</summary>
public sealed class LeftOverTests : IAsyncLifetime
{
    private const string Lost = "01HXXXXXXXXXXXXXXXXXXXXXXX";
    private SessionServer _server = null!;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private LeftOverFolders Folders => new(_server.Options, _server.Db, NullLogger<LeftOverFolders>.Instance);

    public async ValueTask InitializeAsync()
    {
        _server = await SessionServer.StartAsync();
        _server.Compute.Workspaces[SessionKey.NameOfWorkspace(Lost)] = 0;
        _server.Compute.Sizes[Lost] = 1234;
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task AWorkspaceWithoutASessionIsShownAndKept()
    {
        var (session, agent) = await _server.RunningAsync();
        await using var _ = agent;

        Assert.Equal(Lost, Assert.Single((await _server.Client.ListOrphansAsync(Ct)).Workspaces).Id);
        Assert.Equal(1234, Assert.Single((await _server.Client.ListOrphansAsync(Ct, sizes: true)).Workspaces).Bytes);
        await Eventually.TrueAsync(() => _server.Compute.Keys.Any(k => k.SessionId == session.Id), "the session goes on");
        Assert.Contains(SessionKey.NameOfWorkspace(Lost), _server.Compute.Workspaces.Keys);
    }

    [Fact]
    public async Task OneThatIsDeletedIsGoneAndAnotherIsNotThere()
    {
        await _server.Client.DeleteOrphanAsync(Lost, Ct);
        await Eventually.TrueAsync(() => _server.Compute.Workspaces.IsEmpty, "it is deleted");
        Assert.Empty((await _server.Client.ListOrphansAsync(Ct)).Workspaces);

        var refused = await Assert.ThrowsAsync<ApiException>(() => _server.Client.DeleteOrphanAsync(Lost, Ct));
        Assert.Equal(HttpStatusCode.NotFound, refused.Status);
    }

    [Fact]
    public async Task AWorkspaceOfASessionCannotBeDeletedOrGivenAway()
    {
        var (session, agent) = await _server.RunningAsync();
        await using var _ = agent;
        foreach (var ask in (Func<Task>[])[
            () => _server.Client.DeleteOrphanAsync(session.Id, Ct), () => _server.Client.AdoptOrphanAsync(session.Id, new AdoptRequest("nobody"), Ct)])
            Assert.Equal(HttpStatusCode.NotFound, (await Assert.ThrowsAsync<ApiException>(ask)).Status);
        Assert.Contains(SessionKey.NameOfWorkspace(session.Id), _server.Compute.Workspaces.Keys);
    }

    [Fact]
    public async Task WhoGetsOneGoesOnFromItAndItIsKeptAsLongAsSuchWorkIs()
    {
        var owner = await _server.OwnerNameAsync();
        var adopted = await _server.Client.AdoptOrphanAsync(Lost, new AdoptRequest(owner), Ct);
        Assert.Equal(("ended", true), (adopted.Status, adopted.WorkKept));
        Assert.Empty((await _server.Client.ListOrphansAsync(Ct)).Workspaces);
        Assert.Contains(await _server.Client.SessionEventsAsync(adopted.Id, Ct), e => e.Text.Contains("Found without a session", StringComparison.Ordinal));
        await Assert.ThrowsAsync<ApiException>(() => _server.Client.DeleteOrphanAsync(Lost, Ct));

        var (next, _) = await _server.StartSessionAsync(new StartRequest(Continue: adopted.Id, Name: "next"));
        await Eventually.TrueAsync(() => _server.Compute.Orders.Any(o => o.Key.SessionId == next.Id), "it starts");
        Assert.Equal(Lost, _server.Compute.Orders.Single(o => o.Key.SessionId == next.Id).Workspace);
    }

    [Fact]
    public async Task TwoThatWantTheSameOneAtOnceAreOneThatGetsIt()
    {
        var owner = await _server.OwnerNameAsync();
        var asked = Enumerable.Range(0, 8).Select(i => i % 2 == 0
            ? Record.ExceptionAsync(() => _server.Client.AdoptOrphanAsync(Lost, new AdoptRequest(owner), Ct)).AsTask()
            : Record.ExceptionAsync(() => _server.Client.DeleteOrphanAsync(Lost, Ct)).AsTask());
        var errors = await Task.WhenAll(asked);
        Assert.Single(errors, e => e is null);
        Assert.All(errors.Where(e => e is not null), e => Assert.Equal(HttpStatusCode.NotFound, Assert.IsType<ApiException>(e).Status));
        Assert.Equal(1, await _server.CountAsync("SELECT count(*) FROM sessions"));
    }

    [Fact]
    public async Task AStartThatIsOnItsWayIsNoLeftOver()
    {
        var (made, go) = (new TaskCompletionSource(), new TaskCompletionSource());
        _server.Compute.OnStart = async (order, _, ct) =>
        {
            _server.Compute.Workspaces[order.WorkspaceName] = 0; // made, and its container not yet
            made.SetResult();
            await go.Task.WaitAsync(ct);
        };
        var (session, _) = await _server.StartSessionAsync();
        await made.Task;

        Assert.DoesNotContain((await _server.Client.ListOrphansAsync(Ct)).Workspaces, o => o.Id == session.Id);
        await Folders.RemoveAsync(Ct);

        go.SetResult();
        await Eventually.TrueAsync(() => _server.Compute.Keys.Count == 1, "the compute has it");
        await using var agent = await _server.ReadyAgentAsync(session); // through the socket in its folder
        await _server.UntilAsync(session.Id, "running");
    }

    [Fact]
    public async Task FoldersThatNoSessionNeedsAreRemovedAndOthersStay()
    {
        var (session, agent) = await _server.RunningAsync();
        await using var _ = agent;
        var others = new[] { Path.Combine(_server.Options.SessionsFolder, Lost.ToLowerInvariant()), Path.Combine(_server.Options.LogsFolder, Lost.ToLowerInvariant(), "1") };
        foreach (var folder in others)
            await File.WriteAllTextAsync(Path.Combine(Directory.CreateDirectory(folder).FullName, "something"), "in it", Ct);
        var foreign = Directory.CreateDirectory(Path.Combine(_server.Options.SessionsFolder, "not-a-session"));

        Assert.Equal(2, await Folders.RemoveAsync(Ct));

        Assert.All(others, folder => Assert.False(Directory.Exists(folder), folder));
        Assert.True(foreign.Exists);
        Assert.True(Directory.Exists(Path.Combine(_server.Options.SessionsFolder, session.Id.ToLowerInvariant())));
        Assert.Equal(0, await Folders.RemoveAsync(Ct));
    }

    [Fact]
    public async Task TheHealthTellsOfWorkspacesWithoutASession()
    {
        Assert.Null((await _server.Client.HealthAsync(Ct)).Checks.Single(c => c.Name == "workspaces").Message);
        await _server.Service<LeftOverWatch>().LookAsync(Ct);
        Assert.StartsWith("1 belong to no session", (await _server.Client.HealthAsync(Ct)).Checks.Single(c => c.Name == "workspaces").Message, StringComparison.Ordinal);
    }
}
