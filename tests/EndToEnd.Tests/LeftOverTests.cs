using Berth.EndToEnd.Tests.Crashes;
using Berth.EndToEnd.Tests.House;
using Berth.Fakes;
using Microsoft.Data.Sqlite;

namespace Berth.EndToEnd.Tests;

/// <summary>Two servers on one engine, of which one loses rows: it mends its own, and the other never notices.</summary>
public sealed class LeftOverTests(RunningServer server, LeftOverTests.Neighbour neighbour) : IClassFixture<RunningServer>, IClassFixture<LeftOverTests.Neighbour>
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task What_a_server_has_no_row_of_is_removed_but_for_work_which_its_owner_gets_back_and_a_neighbours_is_not_touched()
    {
        await using var image = await SmallImage.MakeAsync();
        var theirs = await neighbour.StartSessionAsync(Scenarios.Request("theirs", image.Name));
        var lost = await server.StartSessionAsync(Scenarios.Request("lost", image.Name));
        var unwanted = await server.StartSessionAsync(Scenarios.Request("unwanted", image.Name));
        var kept = await server.StartSessionAsync(Scenarios.Request("kept", image.Name));
        await Ran.WellAsync("docker", "exec", Assert.Single(await Engine.ContainersOfAsync(server.Installation, lost.Id)), "/bin/busybox", "sh", "-c", "echo mine > /work/note");

        await server.KillAsync();
        Forget(lost.Id, unwanted.Id);
        await server.StartAsync();

        // Containers go, workspaces stay and are shown.
        await Eventually.TrueAsync(async () => (await Engine.ContainersAsync(server.Installation)).Length == 1, "what nobody wants is removed", Patience);
        var orphans = (await server.Api.ListOrphansAsync(Ct, sizes: true)).Workspaces.ToDictionary(o => o.Id);
        Assert.Equal([lost.Id, unwanted.Id], orphans.Keys.Order(StringComparer.Ordinal));
        var orphan = orphans[lost.Id];
        Assert.Equal(("lost", kept.Berth.Username), (orphan.SessionName, orphan.Username));
        Assert.InRange(orphan.Bytes!.Value, 1, 1_000_000);
        Assert.InRange(orphan.MadeAt!.Value, lost.Started.AddMinutes(-1), TimeProvider.System.GetUtcNow());
        Assert.Equal(3, (await Engine.VolumesAsync(server.Installation)).Length);

        // The neighbour sees and loses nothing.
        Assert.Empty((await neighbour.Api.ListOrphansAsync(Ct)).Workspaces);
        Assert.Equal("running", (await neighbour.Api.GetSessionAsync(theirs.Id, Ct)).Berth.Status);
        var refused = await neighbour.BerthAsync("server", "orphans", "delete", lost.Id, "-y");
        Assert.NotEqual(0, refused.Code);

        var given = await server.BerthAsync("server", "orphans", "adopt", lost.Id);
        Assert.True(given.Code == 0, given.Error);
        var again = await server.StartSessionAsync(Scenarios.Request("again", image.Name) with { Continue = given.Error.Split("--continue ")[1][..26] });
        var note = await Ran.WellAsync("docker", "exec", Assert.Single(await Engine.ContainersOfAsync(server.Installation, again.Id)), "/bin/busybox", "cat", "/work/note");
        Assert.Equal("mine", note.Line);

        Assert.Equal(0, (await server.BerthAsync("server", "orphans", "delete", unwanted.Id, "-y")).Code);
        await Eventually.TrueAsync(async () => (await Engine.VolumesAsync(server.Installation)).Length == 2, "it is deleted", Patience);
        Assert.Contains("Every workspace belongs to a session", (await server.BerthAsync("server", "orphans", "list")).Error, StringComparison.Ordinal);

        foreach (var session in (string[])[kept.Id, again.Id])
            await server.Api.StopSessionAsync(session, deleteWork: true, Ct);
        await Eventually.TrueAsync(async () => (await Engine.VolumesAsync(server.Installation)).Length == 0, "nothing is left", Patience);
        Assert.Single(await Engine.ContainersOfAsync(neighbour.Installation, theirs.Id));
        await neighbour.RemoveAsync(theirs.Id);
    }

    /// <summary>As a backup from before they were started would have it.</summary>
    private void Forget(params string[] sessions)
    {
        using var database = new SqliteConnection($"Data Source={Path.Combine(server.DataFolder, "berth.db")};Pooling=False");
        database.Open();
        foreach (var session in sessions)
        {
            using var command = database.CreateCommand();
            command.CommandText = "DELETE FROM session_events WHERE session_id = @id; DELETE FROM sessions WHERE id = @id";
            command.Parameters.AddWithValue("@id", session);
            Assert.True(command.ExecuteNonQuery() > 1);
        }
    }

    /// <summary>Another server on the same engine.</summary>
    public sealed class Neighbour : RunningServer;
}
