using System.Text.Json;
using System.Text.Json.Nodes;
using Berth.Cli.Tests.House;
using Berth.Contracts.Sessions;
using Berth.Core.Providers;
using Berth.Core.Sessions;
using Berth.Fakes;
using Berth.Server.Tests.Sessions;

namespace Berth.Cli.Tests.Sessions;

/// <summary>The session commands against the whole server; only the compute is played.</summary>
public sealed class SessionCommandTests : CommandTest
{
    [Fact]
    public async Task A_start_shows_its_stages_and_prints_the_link_alone_on_stdout()
    {
        var start = Berth.RunAsync("session", "start", "--image", "busybox", "--name", "notes", "--env", "A=1", "--memory", "1G", "--", "httpd", "-f");
        await using var agent = await ReadyAsync("notes");
        var ran = await start;

        Assert.True(ran.Code == 0, ran.Error);
        Assert.StartsWith("http://localhost:1/", ran.Out, StringComparison.Ordinal);
        Assert.Single(ran.Out.TrimEnd().Split('\n'));
        Assert.Contains("Session 'notes' is ready after", ran.Error, StringComparison.Ordinal);
        Assert.Matches(@"Placing +\d+\.\d s", ran.Error);
        Assert.Matches(@"Preparing +\d+\.\d s", ran.Error);
        Assert.Contains("berth session stop notes", ran.Error, StringComparison.Ordinal);
        var order = Assert.Single(Server.Compute.Orders);
        Assert.Equal("1", order.Spec.Environment["A"]);
        Assert.Equal(["httpd", "-f"], order.Spec.Args!);
    }

    [Fact]
    public async Task A_connection_that_aServer_lost_is_told_from_one_that_ended()
    {
        var (session, _) = await Server.StartSessionAsync(new StartRequest(Image: "busybox", Name: "alpha"));
        foreach (var (id, lost) in ((string, bool)[])[("01JQ8Z4N6T3V5W7X9Y1A2B3C4D", false), ("01JQ8Z4N6T3V5W7X9Y1A2B3C4E", true)])
        {
            await Server.Db.ExecuteAsync(
                """
                INSERT INTO connections (id, session_id, stream, user_id, kind, address, started_at, seen_at, ended_at, lost, bytes_in, bytes_out)
                VALUES (@id, @session, @id, @user, 'tcp', 'local', 1000, 2000, 2000, @lost, 0, 0)
                """,
                new { id, session = session.Id, user = session.Berth.UserId, lost }, Ct);
        }
        var shown = (await Berth.RunAsync("session", "connections", "alpha")).Out.TrimEnd().Split('\n');
        Assert.Contains("1970-01-01 00:00:02 (lost)", shown[1], StringComparison.Ordinal);
        Assert.Contains("1970-01-01 00:00:02", shown[2], StringComparison.Ordinal);
        Assert.DoesNotContain("lost", shown[2], StringComparison.Ordinal);

        // All of them, for who runs the server.
        var owner = await Server.OwnerNameAsync();
        var all = await Berth.RunAsync("session", "connections", "--all-users", "--user", owner);
        Assert.Matches($@"STARTED +USER +SESSION[\s\S]+{owner} +alpha +1970-01-01 00:00:02 \(lost\)", all.Out);
        Assert.Equal("[]", (await Berth.RunAsync("session", "connections", "--all-users", "--user", "nobody", "-o", "json")).Line);
        Assert.Equal(ExitCodes.Usage, (await Berth.RunAsync("session", "connections", "alpha", "--all-users")).Code);
        Assert.Equal(ExitCodes.Usage, (await Berth.RunAsync("session", "connections", "alpha", "--page", "2")).Code);
    }

    [Fact]
    public async Task A_failure_tells_the_reason_and_exits_with_8()
    {
        var start = Berth.RunAsync("start", "--image", "busybox", "--name", "bad");
        await Eventually.TrueAsync(() => Server.Compute.Keys.Count == 1, "the compute has it");
        Server.Compute.Show(Server.Compute.Keys.Single(), seen => seen with { State = ForeignState.Exited, ExitCode = 3 });
        var ran = await start;

        Assert.Equal((ExitCodes.SessionFailed, ""), (ran.Code, ran.Out));
        Assert.Contains("Session 'bad' failed. Its command ended before it answered", ran.Error, StringComparison.Ordinal);
        Assert.Contains("berth session logs bad", ran.Error, StringComparison.Ordinal);
        Assert.Equal(new Ran(0, "", "Session 'bad' has written nothing.\n"), await Berth.RunAsync("logs", "bad"));
    }

    [Fact]
    public async Task Ctrl_C_while_waiting_leaves_the_session_and_says_how_to_see_open_and_stop_it()
    {
        using var interrupt = new CancellationTokenSource();
        var start = Berth.RunAsync(here => here, interrupt.Token, "start", "--image", "busybox", "--name", "slow");
        await Eventually.TrueAsync(() => Server.Compute.Keys.Count == 1, "the compute has it");
        await interrupt.CancelAsync();
        var ran = await start;

        Assert.Equal((ExitCodes.Interrupted, ""), (ran.Code, ran.Out));
        foreach (var command in new[] { "show slow", "open slow", "stop slow" })
            Assert.Contains("berth session " + command, ran.Error, StringComparison.Ordinal);
        Assert.Equal("launching", (await Server.Client.GetSessionAsync("slow", Ct)).Berth.Status);
    }

    [Fact]
    public async Task A_wait_that_is_too_long_exits_with_7_and_the_session_goes_on()
    {
        var ran = await Berth.RunAsync("start", "--image", "busybox", "--name", "slow", "--timeout", "1s");
        Assert.Equal((ExitCodes.TimedOut, ""), (ran.Code, ran.Out));
        Assert.Contains("Session 'slow' is launching after 1 s; it goes on.", ran.Error, StringComparison.Ordinal);
        Assert.Equal("launching", (await Server.Client.GetSessionAsync("slow", Ct)).Berth.Status);
    }

    [Fact]
    public async Task Detached_it_returns_at_once_with_the_link()
    {
        var ran = await Berth.RunAsync("start", "--image", "busybox", "--name", "later", "--detach", "-o", "name");
        Assert.Equal((0, "later\n"), (ran.Code, ran.Out));
        Assert.Contains("its link waits for it", ran.Error, StringComparison.Ordinal);
        Assert.Equal("", (await Berth.RunAsync("start", "--image", "busybox", "-q", "--detach")).Error);
    }

    [Fact]
    public async Task A_started_session_that_somebody_stops_meanwhile_is_no_success()
    {
        var start = Berth.RunAsync("start", "--image", "busybox", "--name", "gone");
        await Eventually.TrueAsync(() => Server.Compute.Keys.Count == 1, "the compute has it");
        await Server.Client.StopSessionAsync("gone", false, Ct);
        var ran = await start;
        Assert.Equal(ExitCodes.SessionFailed, ran.Code);
        Assert.Contains("Session 'gone' is ", ran.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(-24)]
    [InlineData(1)]
    public async Task Ages_are_right_on_a_machine_whose_clock_is_hours_off(int hours)
    {
        await Server.StartSessionAsync(new StartRequest(Image: "busybox", Name: "aged"));
        var clock = new ShiftedClock();
        clock.Move(TimeSpan.FromHours(hours));
        var shown = await Berth.RunAsync(here => here with { Time = clock }, Ct, "show", "aged", "-c", "started,last_used");
        Assert.True(shown.Code == 0, shown.Error);
        Assert.Matches(@"^Started +\S+ \S+ UTC \((now|[0-9]+ s ago|1 min ago)\)\nLast used +(now|[0-9]+ s ago|1 min ago)\n", shown.Out);
    }

    [Fact]
    public async Task A_session_that_waits_in_line_is_given_another_priority_and_one_that_does_not_is_refused()
    {
        var size = new JsonObject { ["name"] = "standard", ["cpu"] = 2, ["memory"] = 4, ["gpu"] = 0, ["max_storage"] = 10, ["default"] = true };
        await Server.Client.SendJsonAsync(HttpMethod.Post, "api/data/resource_pools", new JsonObject { ["name"] = "Lab machines", ["public"] = true, ["kind"] = "nodes", ["classes"] = new JsonArray(size) }, Ct);
        await Server.StartSessionAsync(new StartRequest(Image: "busybox", Name: "waits", PoolName: "Lab machines"));
        var lowered = await Berth.RunAsync("session", "priority", "waits", "--to", "-3");
        Assert.Equal((0, "Session 'waits' waits with the priority -3.\n"), (lowered.Code, lowered.Error));
        var owner = await Server.OwnerNameAsync();
        var raised = await Berth.RunAsync("session", "priority", "waits", "--user", owner, "--to", "5");
        Assert.Equal((0, $"Session 'waits' of {owner} waits with the priority 5, and {owner} is told.\n"), (raised.Code, raised.Error));
        Assert.Equal(5, (await Server.Client.GetSessionAsync("waits", Ct)).Berth.Line!.Priority);
        Assert.Contains("5", (await Berth.RunAsync("list", "--all-users", "-c", "priority")).Out, StringComparison.Ordinal);

        Assert.Equal(ExitCodes.Usage, (await Berth.RunAsync("session", "priority", "waits")).Code);
        var (_, agent) = await Server.RunningAsync(new StartRequest(Image: "busybox", Name: "runs"));
        await using var _ = agent;
        var refused = await Berth.RunAsync("session", "priority", "runs", "--to", "-1");
        Assert.Equal(ExitCodes.Conflict, refused.Code);
        Assert.Contains("Session 'runs' is running and cannot change its place in line.", refused.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Lists_shows_and_names_in_every_form()
    {
        Assert.Equal("You have no session. Start one with `berth session start`.\n", (await Berth.RunAsync("list")).Error);
        Assert.Equal("[]", (await Berth.RunAsync("list", "-o", "json")).Line);
        await Server.StartSessionAsync(new StartRequest(Image: "busybox", Name: "alpha"));
        await Server.StartSessionAsync(new StartRequest(Image: "busybox", Name: "beta"));

        Assert.Equal(["alpha", "beta"], (await Berth.RunAsync("list", "-o", "name")).Line.Split('\n').Order());
        Assert.Equal("NAME   IMAGE", (await Berth.RunAsync("list", "-c", "name,image")).Out.Split('\n')[0]);
        using var json = JsonDocument.Parse((await Berth.RunAsync("show", "al", "-o", "json")).Out);
        Assert.Equal("alpha", json.RootElement.GetProperty("name").GetString());
        Assert.Contains("name: alpha\n", (await Berth.RunAsync("show", "alpha", "-o", "yaml")).Out, StringComparison.Ordinal);
        Assert.Matches("\nImage +busybox\n", (await Berth.RunAsync("show", "alpha")).Out);
        Assert.Contains("KIND", (await Berth.RunAsync("events", "alpha")).Out, StringComparison.Ordinal);

        var many = await Berth.RunAsync("show");
        Assert.Equal(ExitCodes.Usage, many.Code);
        Assert.Contains("You have 2 sessions", many.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_only_session_needs_no_name()
    {
        var (session, agent) = await Server.RunningAsync(new StartRequest(Image: "busybox", Name: "only"));
        await using (agent)
        {
            Assert.Contains(session.Id, (await Berth.RunAsync("open", "--print")).Out, StringComparison.Ordinal);
            Assert.Equal(0, (await Berth.RunAsync("open")).Code);
            Assert.Contains(session.Id, Assert.Single(Berth.Opened), StringComparison.Ordinal);
            var extended = await Berth.RunAsync("extend", "--for", "8h");
            Assert.True(extended.Code == 0, extended.Error);
        }

        var pause = await Berth.RunAsync("pause");
        Assert.True(pause.Code == 0, pause.Error);
        Assert.Equal("Session 'only' is paused. Resume it with `berth session resume only`.\n", pause.Error);
        Assert.Contains("is not running", (await Berth.RunAsync("open")).Error, StringComparison.Ordinal);

        var resume = Berth.RunAsync("resume");
        await using var again = await ReadyAsync("only");
        Assert.Equal(0, (await resume).Code);

        var stop = await Berth.RunAsync("stop");
        Assert.Equal((0, "", "Session 'only' is stopped.\n"), (stop.Code, stop.Out, stop.Error));
        Assert.Contains("only", (await Berth.RunAsync("list", "--ended")).Out, StringComparison.Ordinal);
        Assert.Equal(0, (await Berth.RunAsync("show", "only")).Code);
    }

    [Fact]
    public async Task What_cannot_be_undone_takes_a_yes()
    {
        await Server.StartSessionAsync(new StartRequest(Image: "busybox", Name: "a"));
        await Server.StartSessionAsync(new StartRequest(Image: "busybox", Name: "b"));

        var refused = await Berth.RunAsync("stop", "--all");
        Assert.Equal(ExitCodes.Usage, refused.Code);
        Assert.Contains("-y", refused.Error, StringComparison.Ordinal);
        Assert.Equal(ExitCodes.Error, (await Berth.TypeAsync("n\n", "stop", "a", "--delete-work")).Code);
        Assert.Equal(ExitCodes.Usage, (await Berth.RunAsync("stop", "a", "--all", "-y")).Code);
        Assert.Equal(2, (await Server.Client.ListSessionsAsync(Ct)).Count);

        var all = await Berth.RunAsync("stop", "--all", "-y");
        Assert.True(all.Code == 0, all.Error);
        Assert.Empty(await Server.Client.ListSessionsAsync(Ct));
    }

    [Theory]
    [InlineData(ExitCodes.NotFound, "show nobody", "There is no session 'nobody'. See `berth session list`.")]
    [InlineData(ExitCodes.NotFound, "stop", "You have no session. Start one with")]
    [InlineData(ExitCodes.NotFound, "start --launcher x", "There is no launcher 'x'. See `berth launcher list`.")]
    [InlineData(ExitCodes.NotFound, "start --image a --class x", "There is no class 'x'.")]
    [InlineData(ExitCodes.Usage, "start --image a --env NOT_SET_HERE", "--env NOT_SET_HERE: no variable of that name is set here.")]
    [InlineData(ExitCodes.Usage, "start --image a --name bad/name", "name")]
    [InlineData(ExitCodes.Quota, "start --image a --cpu 64", "cpu")]
    public async Task A_refusal_names_the_thing_and_has_its_exit_code(int code, string line, string words)
    {
        var ran = await Berth.RunAsync(line.Split(' '));
        Assert.True(ran.Code == code, $"{ran.Code}: {ran.Error}");
        Assert.Contains(words, ran.Error, StringComparison.Ordinal);
        Assert.Equal("", ran.Out);
    }

    [Fact]
    public async Task A_name_that_is_taken_is_a_conflict()
    {
        await Server.StartSessionAsync(new StartRequest(Image: "busybox", Name: "a"));
        Assert.Equal(ExitCodes.Conflict, (await Berth.RunAsync("start", "--image", "busybox", "--name", "a")).Code);
    }

    [Fact]
    public async Task The_wizard_offers_what_runs_and_remembers_what_was_chosen()
    {
        var first = Berth.TypeAsync("2\nbusybox\n\n-\n", "start", "--name", "w");
        await using (await ReadyAsync("w"))
        {
            var ran = await first;
            Assert.True(ran.Code == 0, ran.Error);
            Assert.Contains("What to start:", ran.Error, StringComparison.Ordinal);

            var joined = await Berth.TypeAsync("\n", "start");
            Assert.Contains("Connect to 'w'? [Y/n]", joined.Error, StringComparison.Ordinal);
            Assert.Equal(ran.Out.Split('?')[0], joined.Out.Split('?')[0]);
            Assert.Contains("Session 'w' runs already.", joined.Error, StringComparison.Ordinal);
            Assert.DoesNotContain("Placing", joined.Error, StringComparison.Ordinal);

            var another = await Berth.TypeAsync("\n\n\n\n", "start", "--name", "v", "--detach");
            Assert.True(another.Code == 0, another.Error);
            Assert.DoesNotContain("Connect to", another.Error, StringComparison.Ordinal);
        }

        var again = await Berth.TypeAsync("n\n\n\n\n\n", "start", "--detach");
        Assert.True(again.Code == 0, again.Error);
        Assert.Contains("Image [busybox]:", again.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_a_terminal_nothing_is_asked_and_the_standard_environment_starts()
    {
        var ran = await Berth.RunAsync("start", "--detach", "-o", "json");
        Assert.True(ran.Code == 0, ran.Error);
        using var json = JsonDocument.Parse(ran.Out);
        Assert.Equal("berth/jupyterlab:latest", json.RootElement.GetProperty("image").GetString());
    }

    [Fact]
    public async Task On_a_terminal_stages_are_redrawn_in_colour_and_not_with_NO_COLOR()
    {
        var start = Berth.TypeAsync("", "start", "--image", "busybox", "--name", "live");
        await using (await ReadyAsync("live"))
            Assert.Contains("\e[32m✓\e[0m Placing", (await start).Error, StringComparison.Ordinal);

        await Server.UntilAsync((await Server.Client.StopSessionAsync("live", true, Ct)).Id, "ended");
        start = Berth.With("NO_COLOR", "1").TypeAsync("", "start", "--image", "busybox", "--name", "plain");
        await using (await ReadyAsync("plain"))
            Assert.DoesNotContain('\e', (await start).Error);
    }

    [Fact]
    public async Task A_deadline_that_is_near_is_said_by_every_command_about_the_session_and_not_when_it_is_extended()
    {
        var start = Berth.RunAsync("start", "--image", "busybox", "--name", "near");
        await using var agent = await ReadyAsync("near");
        await start;
        Server.Clock.Move(TimeSpan.FromHours(24));
        Server.Wake((await Server.Client.GetSessionAsync("near", Ct)).Id);
        await Eventually.TrueAsync(async () => (await Server.Client.GetSessionAsync("near", Ct)).Berth.Warning is not null, "its owner is warned");

        foreach (var command in (string[][])[["list"], ["show", "near"], ["events", "near"]])
        {
            var ran = await Berth.RunAsync(command);
            Assert.Contains("It will be paused: 24 h without use. Use it, or keep it: `berth session extend near`.", ran.Error, StringComparison.Ordinal);
            Assert.DoesNotContain("will be paused: 24 h without use. Use", ran.Out, StringComparison.Ordinal);
        }
        Assert.DoesNotContain("It will be paused", (await Berth.RunAsync("extend", "near")).Error, StringComparison.Ordinal);
        Assert.DoesNotContain("It will be paused", (await Berth.RunAsync("list")).Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_wait_survives_a_restart_of_theServer()
    {
        var start = Berth.RunAsync("start", "--image", "busybox", "--name", "kept");
        await Eventually.TrueAsync(() => Server.Compute.Keys.Count == 1, "the compute has it");
        await Server.RestartAsync();
        await using var agent = await ReadyAsync("kept");
        var ran = await start;
        Assert.True(ran.Code == 0, ran.Error);
        Assert.Contains("waiting for it to come back", ran.Error, StringComparison.Ordinal);
    }

    /// <summary>Plays the agent of a session's start, once the compute has it.</summary>
    private async Task<IAsyncDisposable> ReadyAsync(string name)
    {
        SessionView? session = null;
        await Eventually.TrueAsync(
            async () => (session = (await Server.Client.ListSessionsAsync(Ct)).FirstOrDefault(candidate => candidate.Name == name)) is not null
                && Server.Compute.Keys.Contains(new SessionKey(session.Id, session.Berth.Generation)),
            $"the compute has '{name}'");
        return await Server.ReadyAgentAsync(session!);
    }
}
