using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Berth.Contracts.Sessions;
using Berth.EndToEnd.Tests.House;
using Berth.Fakes;

namespace Berth.EndToEnd.Tests;

/// <summary>A machine without an engine, of an ordinary user: sessions are their processes, in real bubblewrap.</summary>
public sealed class ProcessNodeTests(LabServer server) : IClassFixture<LabServer>
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_session_is_processes_of_the_machines_user_and_outlives_the_death_of_the_node()
    {
        await using var node = new LabNode(server, "bare") { IsOrdinary = true };
        await node.JoinAsync(await server.TokenAsync("--own"), "--ca", server.Authorities, "--processes");
        await node.UntilAsync("ready");
        Assert.Contains("not isolated (bubblewrap", (await server.BerthAsync("node", "show", "bare")).Out, StringComparison.Ordinal);

        var session = await server.StartSessionAsync(Request("plain", FreePort()));
        var who = await InsideAsync(session, "id -u; cat /berth-session/token >/dev/null && echo its own; ls -A $HOME; touch /etc/x 2>/dev/null || echo read-only; ls -d " + node.Data + "/token 2>/dev/null || echo hidden; echo kept >/work/index.html");
        Assert.Contains("its own\n", who, StringComparison.Ordinal);
        Assert.Contains("read-only\n", who, StringComparison.Ordinal);
        Assert.Contains("hidden\n", who, StringComparison.Ordinal);
        Assert.NotEqual("0", who.Split('\n')[0]);
        using var visitor = await Visitor.SignInAsync(server);
        await ReadsAsync(visitor, session);

        // What listens on the machine besides is not the session's.
        using var other = new TcpListener(IPAddress.Loopback, 0);
        other.Start();
        Assert.DoesNotContain($"{((IPEndPoint)other.LocalEndpoint).Port}", (await server.BerthAsync("session", "show", "plain", "-c", "ports")).Out, StringComparison.Ordinal);

        await node.KillAsync();
        node.StartAgain();
        await node.UntilAsync("ready");
        await ReadsAsync(visitor, session);
        Assert.Equal((1, "running"), ((await server.Api.GetSessionAsync(session.Id, Ct)).Berth.Generation, (await server.Api.GetSessionAsync(session.Id, Ct)).Berth.Status));

        // Paused, its work is kept; stopped, nothing of it runs.
        Assert.Equal(0, (await server.BerthAsync("session", "pause", "plain")).Code);
        await Eventually.TrueAsync(async () => (await server.Api.GetSessionAsync(session.Id, Ct)).Berth.Status == "paused", "it is paused", TimeSpan.FromSeconds(30));
        Assert.Equal(0, (await server.BerthAsync("session", "resume", "plain")).Code);
        await ReadsAsync(visitor, session);
        Assert.Equal(0, (await server.BerthAsync("session", "stop", "plain", "--delete-work", "-y")).Code);
        await Eventually.TrueAsync(() => Directory.GetDirectories(Path.Combine(node.Data, "runs")).Length == 0 && Directory.GetDirectories(Path.Combine(node.Data, "work")).Length == 0, "nothing is left", TimeSpan.FromSeconds(30));
        Assert.Equal(0, (await server.BerthAsync("node", "remove", "bare", "--force", "-y")).Code);
    }

    [Fact]
    public async Task Logins_copies_commands_and_ports_reach_a_session_that_is_processes_also_where_the_machines_clock_is_a_day_off()
    {
        using var clock = new WrongClock();
        await using var node = new LabNode(server, "reached") { IsOrdinary = true };
        foreach (var (name, value) in clock.Variables(TimeSpan.FromHours(25)))
            node.Variables[name] = value;
        await node.JoinAsync(await server.TokenAsync("--own"), "--ca", server.Authorities, "--processes");
        await node.UntilAsync("ready");
        Assert.InRange((await server.Api.GetNodeAsync("reached", Ct)).LastSeen!.Value, TimeProvider.System.GetUtcNow().AddMinutes(-1), TimeProvider.System.GetUtcNow().AddMinutes(1));
        var port = FreePort();
        var session = await server.StartSessionAsync(Request("far", port) with { Env = new Dictionary<string, string> { ["WORD"] = "it's here" } });
        var kept = await File.ReadAllTextAsync(Assert.Single(Directory.GetFiles(Path.Combine(node.Data, "work"), "*.json")), Ct);
        var made = JsonDocument.Parse(kept).RootElement.EnumerateObject().Single(p => p.Name is "MadeAt" or "madeAt" or "made_at").Value.GetDateTimeOffset();
        Assert.InRange(made, TimeProvider.System.GetUtcNow().AddHours(24), TimeProvider.System.GetUtcNow().AddHours(26)); // so the machine sees it
        Assert.InRange(session.LastInteraction, TimeProvider.System.GetUtcNow().AddMinutes(-2), TimeProvider.System.GetUtcNow().AddMinutes(1));

        var ssh = await SshClient.MakeAsync(server.Near);
        var login = await ssh.SshAsync("far.berth", "printf '%s|%s|' \"$WORD\" \"$PWD\"; id -u; exit 42");
        Assert.True((login.Code, login.Out) == (42, "it's here|/work|65534\n"), $"{login.Code} {login.Out} {login.Error}");
        var atTerminal = await ssh.SshAsync("-tt", "far.berth", "tty && exit 3");
        Assert.Equal(3, atTerminal.Code);
        var command = await server.BerthAsync("ssh", "far", "--", "echo", "$BERTH_SESSION_NAME");
        Assert.True((command.Code, command.Line) == (0, "far"), command.Error);
        var ran = await server.BerthAsync("exec", "far", "--", "sh", "-c", "echo out; exit 7");
        Assert.Equal((7, "out"), (ran.Code, ran.Line));

        var folder = Directory.CreateDirectory(Path.Combine(server.DataFolder, "to copy"));
        await File.WriteAllTextAsync(Path.Combine(folder.FullName, "index.html"), "kept\n", Ct);
        Assert.Equal(0, (await ssh.RunAsync("scp", Path.Combine(folder.FullName, "index.html"), "far.berth:by-scp")).Code);
        var up = await server.BerthAsync("cp", Path.Combine(folder.FullName, "index.html"), "far:index.html");
        Assert.True(up.Code == 0, up.Error);
        var down = await server.BerthAsync("cp", "far:by-scp", Path.Combine(folder.FullName, "back"));
        Assert.True(down.Code == 0, down.Error);
        Assert.Equal("kept\n", await File.ReadAllTextAsync(Path.Combine(folder.FullName, "back"), Ct));

        await using (var forward = await Forward.StartAsync(server.Near, "forward", "far", $"{port}"))
        {
            using var client = new HttpClient();
            Assert.Equal("kept\n", await client.GetStringAsync($"http://127.0.0.1:{forward.Ports[0]}/", Ct));
        }

        Assert.Equal(0, (await server.BerthAsync("session", "stop", "far", "--delete-work", "-y")).Code);
        await Eventually.TrueAsync(() => Directory.GetDirectories(Path.Combine(node.Data, "runs")).Length == 0, "nothing is left", TimeSpan.FromSeconds(30));
        Assert.Equal(0, (await server.BerthAsync("node", "remove", "reached", "--force", "-y")).Code);
    }

    [Fact]
    public async Task Such_a_machine_serves_its_owner_alone_and_never_root()
    {
        var forPools = await server.TokenAsync();
        await using (var node = new LabNode(server, "shared") { IsOrdinary = true })
        {
            var (code, error) = await node.TryAsync(forPools, "--ca", server.Authorities, "--processes");
            Assert.Equal(78, code);
            Assert.Contains("it can serve its owner alone", error, StringComparison.Ordinal);
        }

        Assert.SkipUnless(Environment.IsPrivilegedProcess, "These tests are not root's.");
        await using (var node = new LabNode(server, "roots"))
        {
            var (code, error) = await node.TryAsync(await server.TokenAsync("--own"), "--ca", server.Authorities, "--processes");
            Assert.Equal(77, code);
            Assert.Contains("not as root", error, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task What_cannot_be_a_process_says_why_and_what_to_do()
    {
        await using var node = new LabNode(server, "bare2") { IsOrdinary = true };
        await node.JoinAsync(await server.TokenAsync("--own"), "--ca", server.Authorities, "--processes");
        await node.UntilAsync("ready");
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        var port = ((IPEndPoint)taken.LocalEndpoint).Port;
        await FailsAsync(Request("busy", port), $"something else listens on port {port}");
        await FailsAsync(Request("nothing", FreePort()) with { Command = null }, "Say which in its environment");
        Assert.Equal(0, (await server.BerthAsync("node", "remove", "bare2", "--force", "-y")).Code);
    }

    private async Task FailsAsync(StartRequest request, string words)
    {
        var (session, _) = await server.Api.StartSessionAsync(request, Ct);
        SessionView? seen = null;
        await Eventually.TrueAsync(async () => (seen = await server.Api.GetSessionAsync(session.Id, Ct)).Berth.Status == "failed", "it fails", TimeSpan.FromSeconds(30));
        Assert.Contains(words, seen!.Berth.Sentence, StringComparison.Ordinal);
        Assert.Equal(0, (await server.BerthAsync("session", "stop", seen.Name, "--delete-work", "-y")).Code);
    }

    private async Task<string> InsideAsync(SessionView session, string script)
    {
        var ran = await server.BerthAsync("exec", session.Name, "--", "/bin/sh", "-c", script);
        Assert.True(ran.Code == 0, ran.Error);
        return ran.Out;
    }

    private static StartRequest Request(string name, int port) => new(
        Image: "none", Name: name, Port: port, DefaultUrl: "/", PoolName: LabServer.Pool,
        Command: ["/bin/busybox", "httpd", "-f", "-p", $"127.0.0.1:{port}", "-h", "/work"]);

    private static async Task ReadsAsync(Visitor visitor, SessionView session) => await Eventually.TrueAsync(
        async () =>
        {
            using var page = await visitor.OpenAsync(session.Url);
            return page.StatusCode == HttpStatusCode.OK && await page.Content.ReadAsStringAsync(Ct) == "kept\n";
        },
        "its page can be read", TimeSpan.FromSeconds(60));

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
