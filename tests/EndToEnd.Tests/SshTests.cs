using System.Net;
using System.Security.Cryptography;
using Berth.Contracts.Sessions;
using Berth.EndToEnd.Tests.House;
using Berth.Fakes;

namespace Berth.EndToEnd.Tests;

/// <summary>OpenSSH's own programs, and the command as it is published, into real sessions.</summary>
public sealed class SshTests(CutServer server) : IClassFixture<CutServer>
{
    private const string Sha256 = "busybox sha256sum";
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("jane", "1234", "/bin/sh")]
    [InlineData("4321:77", "4321", "/bin/sh")] // of whom the image knows nothing
    [InlineData("root", "0", "/bin/sh")]
    [InlineData(null, "1000", "/usr/bin/bash")] // JupyterLab's image
    public async Task A_login_is_the_sessions_user_with_its_variables_and_folder(string? user, string uid, string shell)
    {
        await using var small = user is null ? null : await SmallImage.MakeAsync(user: user);
        var session = await server.StartSessionAsync((small is null ? Sample.WebServer("login") : Small(small, "login")) with
        {
            Env = new Dictionary<string, string> { ["TWO_LINES"] = "it's\n$HOME `id` \"quoted\"" },
        });
        var ssh = await SshClient.MakeAsync(server.Near);
        var ran = await ssh.SshAsync("anyone@login.berth", "printf '%s|' \"$TWO_LINES\" $PWD $SHELL; id -u; echo oops >&2; exit 42");
        Assert.Equal((42, $"it's\n$HOME `id` \"quoted\"|/work|{shell}|{uid}\n"), (ran.Code, ran.Out));
        Assert.EndsWith("oops\n", ran.Error, StringComparison.Ordinal);

        var atTerminal = await ssh.SshAsync("-tt", "login.berth", "tty && exit 3");
        Assert.Equal(3, atTerminal.Code);
        Assert.StartsWith("/dev/pts/", atTerminal.Out, StringComparison.Ordinal);

        var command = await server.BerthAsync("ssh", "login", "--", "echo", "$BERTH_SESSION_NAME");
        Assert.Equal((0, "login"), (command.Code, command.Line));
        await server.RemoveAsync(session.Id);
    }

    [Fact]
    public async Task Files_are_copied_both_ways_also_where_the_image_has_no_shell()
    {
        await using var image = await SmallImage.MakeAsync(withShell: false);
        var session = await server.StartSessionAsync(Small(image, "bare"));
        var ssh = await SshClient.MakeAsync(server.Near);
        var folder = Directory.CreateDirectory(Path.Combine(server.DataFolder, "copied", "of mine"));
        await File.WriteAllTextAsync(Path.Combine(folder.FullName, "it's"), "there and back", Ct);
        Assert.Equal(0, (await ssh.RunAsync("scp", "-r", folder.Parent!.FullName, "bare.berth:")).Code);
        Assert.Equal(0, (await ssh.RunAsync("scp", "-r", "bare.berth:copied/of mine", Path.Combine(server.DataFolder, "back"))).Code);
        Assert.Equal("there and back", await File.ReadAllTextAsync(Path.Combine(server.DataFolder, "back/it's"), Ct));

        var login = await ssh.SshAsync("bare.berth", "ls");
        Assert.Equal((127, ""), (login.Code, login.Out));
        Assert.Contains("There is no shell in this session's image: scp and sftp work", login.Error, StringComparison.Ordinal);
        await server.RemoveAsync(session.Id);
    }

    [Fact]
    public async Task What_an_editor_needs_is_there()
    {
        var session = await server.StartSessionAsync(Sample.WebServer("editor"));
        var ssh = await SshClient.MakeAsync(server.Near);
        var (forwarded, socks) = (RunningServer.FreePort(), RunningServer.FreePort());
        // As VS Code does: a shell without a terminal reads a script, which starts a server that outlives it, reached by -D.
        using var client = ssh.Start("ssh", "-T", "-D", $"{socks}", "-L", $"{forwarded}:localhost:8000", "editor.berth", "bash");
        await client.StandardInput.WriteAsync(
            """
            setsid python3 -c '
            import http.server, os
            server = http.server.HTTPServer(("127.0.0.1", 0), http.server.SimpleHTTPRequestHandler)
            print(server.server_port, flush=True)
            os.close(1)
            server.serve_forever()' 2>/dev/null &

            """.AsMemory(), Ct);
        await client.StandardInput.FlushAsync(Ct);
        var port = await client.StandardOutput.ReadLineAsync(Ct).AsTask().WaitAsync(Patience, Ct);
        using (var bySocks = new HttpClient(new SocketsHttpHandler { Proxy = new WebProxy($"socks5://127.0.0.1:{socks}") }))
            Assert.Contains("Directory listing", await bySocks.GetStringAsync($"http://127.0.0.1:{port}/", Ct), StringComparison.Ordinal);
        using (var direct = new HttpClient())
            Assert.Contains("Directory listing", await direct.GetStringAsync($"http://127.0.0.1:{forwarded}/", Ct), StringComparison.Ordinal);
        client.StandardInput.Close();
        await client.WaitForExitAsync(Ct).WaitAsync(Patience, Ct);

        var still = await ssh.SshAsync("editor.berth", $"python3 -c 'import urllib.request; print(urllib.request.urlopen(\"http://127.0.0.1:{port}\").status)'");
        Assert.Equal("200", still.Line);
        await server.RemoveAsync(session.Id);
    }

    [Fact]
    public async Task Rsync_copies_what_has_changed()
    {
        // What the image lacks, and the libraries that it may lack: beside its own.
        const string Rsync = "LD_LIBRARY_PATH=/opt/rsync /opt/rsync/rsync";
        const string Install = """
            mkdir "$1" && cp -L /usr/bin/rsync $(ldd /usr/bin/rsync | grep -o '/[^ ]*' | grep -v 'libc\.\|ld-linux') "$1" && docker cp --quiet "$1" "$2:/opt/rsync"
            """;
        var session = await server.StartSessionAsync(Sample.WebServer("synced"));
        var container = Assert.Single(await Engine.ContainersOfAsync(server.Installation, session.Id));
        await Ran.WellAsync("sh", "-c", Install, "sh", Path.Combine(server.DataFolder, "rsync"), container);

        var ssh = await SshClient.MakeAsync(server.Near);
        var folder = Directory.CreateDirectory(Path.Combine(server.DataFolder, "synced/inner")).Parent!.FullName;
        var (large, bytes) = (Path.Combine(folder, "inner/large"), RandomNumberGenerator.GetBytes(5_000_000));
        await File.WriteAllBytesAsync(large, bytes, Ct);
        var first = await ssh.RsyncAsync(Rsync, "--archive", folder + "/", "synced.berth:src/");
        Assert.True(first.Code == 0, first.Error);

        bytes[2_000_000] ^= 1;
        await File.WriteAllBytesAsync(large, bytes, Ct);
        var second = await ssh.RsyncAsync(Rsync, "--archive", "--checksum", "--stats", "--no-human-readable", folder + "/", "synced.berth:src/");
        Assert.True(second.Code == 0, second.Error);
        var sent = second.Out.Split('\n').Single(line => line.StartsWith("Literal data: ", StringComparison.Ordinal)).Split(' ')[2];
        Assert.InRange(int.Parse(sent, System.Globalization.CultureInfo.InvariantCulture), 1, 100_000);

        var back = Path.Combine(server.DataFolder, "synced-back");
        var third = await ssh.RsyncAsync(Rsync, "--archive", "synced.berth:src/", back);
        Assert.True(third.Code == 0, third.Error);
        Assert.Equal(bytes, await File.ReadAllBytesAsync(Path.Combine(back, "inner/large"), Ct));
        await server.RemoveAsync(session.Id);
    }

    [Fact]
    public async Task A_copy_goes_on_over_lines_that_are_cut()
    {
        var session = await server.StartEchoAsync("cuts");
        var ssh = await SshClient.MakeAsync(server.Far);
        var file = Path.Combine(server.DataFolder, "large");
        await File.WriteAllBytesAsync(file, RandomNumberGenerator.GetBytes(50 * 1024 * 1024), Ct);
        var (random, before) = (new Random(7), server.Relay.Cuts);
        server.Relay.CutAfter = () => server.Relay.Cuts - before < 10 ? random.Next(100_000, 5_000_000) : null;
        var copied = await ssh.RunAsync("scp", file, "cuts.berth:");
        server.Relay.CutAfter = () => null;
        Assert.True(copied.Code == 0, copied.Error);
        Assert.Equal(10, server.Relay.Cuts - before);
        Assert.Equal(await HashAsync(file), (await ssh.SshAsync("cuts.berth", $"{Sha256} large")).Line.Split(' ')[0]);
        await server.RemoveAsync(session.Id);
    }

    [Fact]
    public async Task A_server_that_is_killed_in_the_middle_costs_no_byte_and_is_one_connection()
    {
        var session = await server.StartEchoAsync("outlives");
        var ssh = await SshClient.MakeAsync(server.Near);
        var bytes = RandomNumberGenerator.GetBytes(20 * 1024 * 1024);
        using var client = ssh.Start("ssh", "outlives.berth", $"{Sha256}");
        var input = client.StandardInput.BaseStream;
        await input.WriteAsync(bytes.AsMemory(0, bytes.Length / 2), Ct);
        await input.FlushAsync(Ct);
        await server.KillAsync();
        await server.StartAsync();
        await input.WriteAsync(bytes.AsMemory(bytes.Length / 2), Ct);
        client.StandardInput.Close();
        var hash = await client.StandardOutput.ReadToEndAsync(Ct).WaitAsync(Patience, Ct);
        Assert.StartsWith(Convert.ToHexStringLower(SHA256.HashData(bytes)), hash, StringComparison.Ordinal);
        await client.WaitForExitAsync(Ct);
        Assert.Equal(0, client.ExitCode);
        Assert.Contains("Back after", await client.StandardError.ReadToEndAsync(Ct), StringComparison.Ordinal);

        IReadOnlyList<ConnectionView> written = [];
        await Eventually.TrueAsync(
            async () => (written = await server.Api.SessionConnectionsAsync(session.Id, Ct)) is [{ EndedAt: not null, Lost: false }], "its end is written down");
        Assert.Equal(("ssh", null, "local"), (written[0].Kind, written[0].Target, written[0].From));
        Assert.InRange(written[0].BytesIn, bytes.Length / 2, bytes.Length * 2L);
        await server.RemoveAsync(session.Id);
    }

    [Fact]
    public async Task Another_host_key_than_the_server_tells_is_refused()
    {
        var (one, two) = (await server.StartEchoAsync("one"), await server.StartEchoAsync("two"));
        var ssh = await SshClient.MakeAsync(server.Near);
        Assert.Equal(0, (await ssh.SshAsync("one.berth", "true")).Code);
        Assert.Equal(0, (await ssh.SshAsync("two.berth", "true")).Code);
        var elsewhere = await ssh.SshAsync("-o", $"ProxyCommand='{Published.Command}' session ssh --stdio two.berth", "one.berth", "true");
        Assert.Equal(255, elsewhere.Code);
        Assert.Contains("REMOTE HOST IDENTIFICATION HAS CHANGED", elsewhere.Error, StringComparison.Ordinal);
        Assert.Equal(0, (await ssh.SshAsync("one.berth", "true")).Code);
        await server.RemoveAsync(one.Id);
        await server.RemoveAsync(two.Id);
    }

    [Fact]
    public async Task The_users_own_keys_log_in_and_no_key_from_the_session_does()
    {
        var session = await server.StartEchoAsync("keys");
        var ssh = await SshClient.MakeAsync(server.Near);
        Assert.Equal(0, (await ssh.SshAsync("keys.berth", "true")).Code);
        var (own, foreign) = (Path.Combine(server.Near["HOME"]!, ".ssh/id_ed25519"), Path.Combine(server.DataFolder, "foreign"));
        foreach (var key in (string[])[own, foreign])
            await Ran.WellAsync("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key);
        Assert.Equal(0, (await ssh.SshAsync("keys.berth", $"umask 77; mkdir -p ~/.ssh; echo '{await File.ReadAllTextAsync($"{foreign}.pub", Ct)}' > ~/.ssh/authorized_keys")).Code);

        Assert.Equal(0, (await ssh.WithKeyAsync(own, "keys.berth", "true")).Code);
        var refused = await ssh.WithKeyAsync(foreign, "keys.berth", "true");
        Assert.Equal(255, refused.Code);
        Assert.Contains("Permission denied (publickey)", refused.Error, StringComparison.Ordinal);
        await server.RemoveAsync(session.Id);
    }

    [Fact]
    public async Task A_key_that_an_agent_alone_holds_logs_in()
    {
        var session = await server.StartEchoAsync("carded");
        var socket = Path.Combine(server.DataFolder, "agent");
        var variables = new Dictionary<string, string?>(server.Near) { ["SSH_AUTH_SOCK"] = socket };
        var key = Path.Combine(server.DataFolder, "carded");
        using var agent = Ran.Start("ssh-agent", ["-D", "-a", socket], variables, null);
        try
        {
            await Eventually.TrueAsync(() => File.Exists(socket), "the agent listens");
            await Ran.WellAsync("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key);
            var ssh = await SshClient.MakeAsync(variables);
            Assert.Equal(0, (await ssh.SshAsync("carded.berth", "true")).Code);
            Assert.Equal(255, (await ssh.WithAgentAsync(socket, "carded.berth", "true")).Code);
            Assert.Equal(0, (await Ran.ToEndAsync("ssh-add", ["-q", key], variables)).Code);
            File.Delete(key);
            File.Delete($"{key}.pub");
            var login = await ssh.WithAgentAsync(socket, "carded.berth", "echo in");
            Assert.True((login.Code, login.Line) == (0, "in"), login.Error);
        }
        finally
        {
            agent.Kill();
        }

        await server.RemoveAsync(session.Id);
    }

    [Fact]
    public async Task A_session_that_is_paused_says_what_to_do_and_has_the_same_host_key_later()
    {
        var session = await server.StartEchoAsync("sleeper");
        var ssh = await SshClient.MakeAsync(server.Near);
        using (var open = ssh.Start("ssh", "sleeper.berth", "echo in; cat"))
        {
            Assert.Equal("in", await open.StandardOutput.ReadLineAsync(Ct));
            await server.Api.PauseSessionAsync(session.Id, Ct);
            await open.WaitForExitAsync(Ct).WaitAsync(Patience, Ct);
            Assert.Equal(255, open.ExitCode);
            Assert.Contains("Session 'sleeper' does not run", await open.StandardError.ReadToEndAsync(Ct), StringComparison.Ordinal);
        }
        await server.UntilAsync(session.Id, s => s.Berth.Status == "paused", "it is paused");
        var known = await File.ReadAllTextAsync(ssh.KnownHosts, Ct);
        var refused = await ssh.SshAsync("sleeper.berth", "true");
        Assert.Equal(255, refused.Code);
        Assert.Contains("Start it again with `berth session resume sleeper`", refused.Error, StringComparison.Ordinal);
        var command = await server.BerthAsync("ssh", "sleeper");
        Assert.Equal(5, command.Code);
        Assert.Contains("berth session resume sleeper", command.Error, StringComparison.Ordinal);

        await server.Api.ResumeSessionAsync(session.Id, new ResumeRequest(), Ct);
        await server.UntilAsync(session.Id, s => s.Berth.Status == "running", "it runs again");
        Assert.Equal(0, (await ssh.SshAsync("sleeper.berth", "true")).Code);
        Assert.Equal(known, await File.ReadAllTextAsync(ssh.KnownHosts, Ct));
        await server.RemoveAsync(session.Id);
        Assert.Contains("There is no session 'sleeper'", (await ssh.SshAsync("sleeper.berth", "true")).Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Who_is_not_its_user_does_not_get_there_and_who_is_revoked_loses_the_login()
    {
        var session = await server.StartEchoAsync("mine");
        var token = await server.Api.CreateTokenAsync(new("short"), Ct);
        var ssh = await SshClient.MakeAsync(await SignInAsync("short", token.Secret));
        using (var open = ssh.Start("ssh", "mine.berth", "echo in; cat"))
        {
            Assert.Equal("in", await open.StandardOutput.ReadLineAsync(Ct));
            await server.Api.DeleteTokenAsync(token.Token.Id, Ct);
            await open.WaitForExitAsync(Ct).WaitAsync(Patience, Ct);
            Assert.Equal(255, open.ExitCode);
        }
        Assert.Equal(255, (await ssh.SshAsync("mine.berth", "true")).Code);

        var reader = await SshClient.MakeAsync(await SignInAsync("reader", (await server.Api.CreateTokenAsync(new("reader", Scope: "read"), Ct)).Secret));
        Assert.Equal(255, (await reader.SshAsync("mine.berth", "true")).Code);
        await server.RemoveAsync(session.Id);
    }

    private static StartRequest Small(SmallImage image, string name) =>
        new(Image: image.Name, Name: name, Port: 8000, DefaultUrl: "/", Command: SmallImage.WebServer);

    private static async Task<string> HashAsync(string file)
    {
        await using var stream = File.OpenRead(file);
        return Convert.ToHexStringLower(await SHA256.HashDataAsync(stream, Ct));
    }

    /// <summary>The command of another machine, signed in by a token.</summary>
    private async Task<IReadOnlyDictionary<string, string?>> SignInAsync(string name, string secret)
    {
        var variables = new Dictionary<string, string?>(server.Near) { ["XDG_CONFIG_HOME"] = Path.Combine(server.DataFolder, name) };
        var file = Path.Combine(server.DataFolder, $"{name}.token");
        await File.WriteAllTextAsync(file, secret, Ct);
        var login = await Ran.ToEndAsync(Published.Command, ["login", $"http://localhost:{server.Port}", "--token-file", file], variables);
        Assert.True(login.Code == 0, login.Error);
        return variables;
    }
}
