using System.Text.Json;
using Berth.Cli.Tests.House;
using Berth.Contracts.Sessions;
using Berth.Fakes;

namespace Berth.Cli.Tests.Users;

/// <summary>What admins do for people, and what the people see of it, against the whole server.</summary>
public sealed class UserCommandTests : CommandTest
{
    [Fact]
    public async Task A_user_from_create_to_disabled()
    {
        await OkAsync("user", "create", "ada", "--first-name", "Ada", "--quota-sessions", "2", "--quota-memory", "16G");
        Assert.Contains("2 sessions, 16 GB", (await OkAsync("user", "list")).Out, StringComparison.Ordinal);
        await OkAsync("user", "edit", "ada", "--quota-sessions", "none", "--quota-cpu", "4", "--admin");
        var shown = await JsonAsync("user", "show", "ada");
        Assert.Equal("""{"sessions":null,"cpu":4,"memory":16,"gpu":null}""", shown.GetProperty("quota").GetRawText().Replace(" ", "", StringComparison.Ordinal).ReplaceLineEndings(""));
        Assert.True(shown.GetProperty("is_admin").GetBoolean());
        Assert.StartsWith("http", (await OkAsync("user", "link", "ada", "-y")).Line, StringComparison.Ordinal);
        Assert.StartsWith("http", (await OkAsync("user", "link", "ada", "--keep-tokens", "-y")).Line, StringComparison.Ordinal);
        Assert.Equal(ExitCodes.Usage, (await Berth.RunAsync("user", "link", "ada")).Code);
        await OkAsync("user", "edit", "ada", "--default-quota", "--disabled", "--admin=false");
        Assert.Equal(JsonValueKind.Null, (await JsonAsync("user", "show", "ada")).GetProperty("quota").ValueKind);
        Assert.Equal(ExitCodes.Conflict, (await Berth.RunAsync("user", "link", "ada", "-y")).Code);
        Assert.Equal(ExitCodes.Usage, (await Berth.RunAsync("user", "edit", "ada", "--quota-cpu", "many")).Code);
    }

    [Fact]
    public async Task Workspaces_without_a_session_are_listed_given_and_deleted()
    {
        foreach (var id in (string[])["01HAAAAAAAAAAAAAAAAAAAAAAA", "01HBBBBBBBBBBBBBBBBBBBBBBB"])
            Server.Compute.Workspaces[$"berth-{id.ToLowerInvariant()}"] = 0;
        Server.Compute.Sizes["01HAAAAAAAAAAAAAAAAAAAAAAA"] = 2_500_000;
        await OkAsync("user", "create", "ada");

        Assert.Contains("2.5 MB", (await OkAsync("server", "orphans", "list", "--sizes")).Out, StringComparison.Ordinal);
        Assert.Equal(ExitCodes.Usage, (await Berth.RunAsync("server", "orphans", "adopt", "01HA")).Code);
        Assert.Contains("the work of ada's ended session", (await OkAsync("server", "orphans", "adopt", "01HA", "--user", "ada")).Error, StringComparison.Ordinal);
        Assert.Equal(ExitCodes.Usage, (await Berth.RunAsync("server", "orphans", "delete", "01HB")).Code);
        await OkAsync("server", "orphans", "delete", "01HB", "-y");
        Assert.Contains("Every workspace belongs to a session", (await OkAsync("server", "orphans", "list")).Error, StringComparison.Ordinal);
        await Eventually.TrueAsync(() => Server.Compute.Workspaces.Keys.SequenceEqual(["berth-01haaaaaaaaaaaaaaaaaaaaaaa"]), "only what was given is left");
    }

    [Fact]
    public async Task A_spent_quota_is_exit_code_6_and_says_what_to_do()
    {
        await OkAsync("user", "quota", "--sessions", "1", "--memory", "64G");
        Assert.Contains("64 GB", (await OkAsync("user", "quota")).Out, StringComparison.Ordinal);
        await OkAsync("start", "--image", "busybox", "--name", "first", "--detach");
        var refused = await Berth.RunAsync("start", "--image", "busybox", "--detach");
        Assert.Equal(ExitCodes.Quota, refused.Code);
        Assert.Contains("by your session 'first'", refused.Error, StringComparison.Ordinal);
        Assert.Contains("berth session pause first", refused.Error, StringComparison.Ordinal);
        await OkAsync("user", "quota", "--sessions", "none");
        await OkAsync("start", "--image", "busybox", "--detach");
    }

    [Fact]
    public async Task Everybodys_sessions_without_links_and_one_of_them_stopped()
    {
        await OkAsync("user", "create", "ada");
        var (session, agent) = await Server.RunningAsync(new StartRequest(Image: "busybox", Name: "hers"));
        await agent.DisposeAsync();
        await Server.Db.ExecuteAsync("UPDATE sessions SET user_id = (SELECT id FROM users WHERE username = 'ada')", null, CancellationToken.None);

        Assert.DoesNotContain("hers", (await OkAsync("list")).Out, StringComparison.Ordinal);
        var all = await OkAsync("session", "list", "--all-users");
        Assert.Contains("hers", all.Out, StringComparison.Ordinal);
        Assert.DoesNotContain("http", all.Out, StringComparison.Ordinal);
        Assert.Equal(session.Id, (await OkAsync("list", "--all-users", "--user", "ada", "-o", "name")).Line);

        Assert.Equal(ExitCodes.NotFound, (await Berth.RunAsync("stop", "hers")).Code);
        Assert.Equal(ExitCodes.Usage, (await Berth.RunAsync("stop", "hers", "--user", "ada", "--delete-work", "-y")).Code);
        Assert.Contains("ada is told", (await OkAsync("stop", "hers", "--user", "ada")).Error, StringComparison.Ordinal);
        await Eventually.TrueAsync(
            async () => (await OkAsync("list", "--all-users", "--ended")).Out.Contains("hers", StringComparison.Ordinal), "it is over");
    }

    [Fact]
    public async Task Work_goes_on_in_a_new_session()
    {
        var (session, agent) = await Server.RunningAsync(new StartRequest(Image: "busybox", Name: "old"));
        await agent.DisposeAsync();
        await Server.Client.StopSessionAsync(session.Id, deleteWork: false, CancellationToken.None);
        await Server.UntilAsync(session.Id, "ended");
        Assert.Contains("berth session start --continue", (await OkAsync("show", "old")).Out, StringComparison.Ordinal);

        await OkAsync("start", "--continue", "old", "--detach");
        Assert.Contains("went on in", (await OkAsync("show", session.Id)).Out, StringComparison.Ordinal);
        Assert.Contains(session.Id, (await OkAsync("show", "old")).Out, StringComparison.Ordinal);
        Assert.Equal(ExitCodes.Conflict, (await Berth.RunAsync("start", "--continue", session.Id, "--detach")).Code);
    }

    [Fact]
    public async Task The_history_is_paged_and_holds_none_that_lives()
    {
        for (var i = 0; i < 52; i++)
        {
            var (session, _) = await Server.StartSessionAsync(new StartRequest(Image: "busybox", Name: $"h{i}"));
            await Server.Client.StopSessionAsync(session.Id, deleteWork: false, CancellationToken.None);
            await Server.UntilAsync(session.Id, "ended");
        }

        await Server.StartSessionAsync(new StartRequest(Image: "busybox", Name: "lives"));
        var first = await OkAsync("list", "--ended", "-o", "name");
        Assert.Equal(50, first.Line.Split('\n').Length);
        Assert.DoesNotContain("lives", first.Out, StringComparison.Ordinal);
        Assert.Contains("--page 2", first.Error, StringComparison.Ordinal);
        Assert.Equal("h1\nh0", (await OkAsync("list", "--ended", "--page", "2", "-o", "name")).Line);
    }

    [Fact]
    public async Task Wide_shows_what_the_disk_holds_and_the_history_who_asked()
    {
        var (session, agent) = await Server.RunningAsync(new StartRequest(Image: "busybox", Name: "wide"));
        Server.Compute.Sizes[session.Id] = 3_400_000;
        Server.Clock.Move(TimeSpan.FromMinutes(16));
        await agent.DisposeAsync();
        await Server.Client.PauseSessionAsync(session.Id, CancellationToken.None);
        await Eventually.TrueAsync(async () => (await OkAsync("list", "-o", "wide")).Out.Contains("3.4 MB", StringComparison.Ordinal), "it was measured");
        Assert.Contains("3.4 MB, measured ", (await OkAsync("show", "wide")).Out, StringComparison.Ordinal);
        var me = (await Server.Client.WhoAmIAsync(CancellationToken.None)).Username;
        Assert.Contains(me, (await OkAsync("events", "wide")).Out, StringComparison.Ordinal);
    }

    private async Task<Ran> OkAsync(params string[] args)
    {
        var ran = await Berth.RunAsync(args);
        Assert.True(ran.Code == ExitCodes.Ok, $"{string.Join(' ', args)}: {ran.Code} {ran.Error}");
        return ran;
    }

    private async Task<JsonElement> JsonAsync(params string[] args)
    {
        using var json = JsonDocument.Parse((await OkAsync([.. args, "-o", "json"])).Out);
        return json.RootElement.Clone();
    }
}
