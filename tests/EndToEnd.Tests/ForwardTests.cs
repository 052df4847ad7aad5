using System.Net;
using System.Net.Sockets;
using Berth.Contracts.Sessions;
using Berth.EndToEnd.Tests.House;
using Berth.Fakes;

namespace Berth.EndToEnd.Tests;

/// <summary>A server whose command also comes by network, over lines that can be cut.</summary>
public sealed class CutServer : RunningServer
{
    private SmallImage? _image;

    public CutServer()
    {
        Variables["BERTH_SERVER_STREAMS_PER_SESSION"] = "300";
        Variables["BERTH_SERVER_STREAMS_PER_USER"] = "600";
    }

    internal CuttingRelay Relay { get; private set; } = null!;

    internal IReadOnlyDictionary<string, string?> Far { get; private set; } = null!;

    internal IReadOnlyDictionary<string, string?> Near => Variables.ToDictionary();

    public override async ValueTask InitializeAsync()
    {
        await base.InitializeAsync();
        _image = await SmallImage.MakeAsync();
        Relay = new CuttingRelay(Port);
        var token = await Api.CreateTokenAsync(new("far"), CancellationToken.None);
        var file = Path.Combine(DataFolder, "token");
        await File.WriteAllTextAsync(file, token.Secret);
        Far = new Dictionary<string, string?>(Near) { ["XDG_CONFIG_HOME"] = Path.Combine(DataFolder, "far") };
        var login = await Ran.ToEndAsync(Published.Command, ["login", $"http://localhost:{Relay.Port}", "--token-file", file], Far);
        Assert.True(login.Code == 0, login.Error);
    }

    /// <summary>A session with a web server on 8000, and what sends everything back on 9001.</summary>
    public Task<SessionView> StartEchoAsync(string name, double? memory = null) => StartSessionAsync(new StartRequest(
        Image: _image!.Name, Name: name, Port: 8000, DefaultUrl: "/", MemoryGb: memory,
        Command: ["/bin/busybox", "sh", "-c", "busybox nc -ll -p 9001 -e /bin/busybox cat & echo within > /work/index.html; exec busybox httpd -f -p 8000 -h /work"]));

    public override async ValueTask DisposeAsync()
    {
        await Relay.DisposeAsync();
        await base.DisposeAsync();
        await _image!.DisposeAsync();
        GC.SuppressFinalize(this);
    }
}

/// <summary>Ports of a real session on this machine, by the command as it is published.</summary>
public sealed class ForwardTests(CutServer server) : IClassFixture<CutServer>
{
    private const int Size = 50 * 1024 * 1024;
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task What_listens_inside_answers_here()
    {
        var session = await server.StartEchoAsync("web");
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        var port = ((IPEndPoint)taken.LocalEndpoint).Port;
        await using (var forward = await Forward.StartAsync(server.Near, "forward", "web", "8000", "9001", "9002"))
        {
            using var http = new HttpClient();
            Assert.Equal("within\n", await http.GetStringAsync($"http://127.0.0.1:{forward.Ports[0]}/index.html", Ct));

            // Nobody is there: a reset for who came, a sentence for who forwards.
            await using (var nobody = await forward.ConnectAsync(2))
                await Assert.ThrowsAsync<IOException>(async () => await nobody.ReadExactlyAsync(new byte[1], Ct));
            await Eventually.TrueAsync(() => forward.Said.Contains("Nothing listens on port 9002 of the session.", StringComparison.Ordinal), "it says so");
        }

        // A port that was said is that port or none.
        var refused = await server.BerthAsync("session", "forward", "web", $"{port}:8000");
        Assert.Equal((5, ""), (refused.Code, refused.Out));
        Assert.Contains($"Port {port} of this machine is taken by another program.", refused.Error, StringComparison.Ordinal);
        await server.RemoveAsync(session.Id);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Fifty_MB_come_through_lines_that_are_cut(bool blackHoles)
    {
        var session = await server.StartEchoAsync(blackHoles ? "hole" : "cut");
        var random = new Random(7);
        var cuts = blackHoles ? 2 : 20;
        server.Relay.BlackHoles = blackHoles;
        var before = server.Relay.Cuts;
        server.Relay.CutAfter = () => server.Relay.Cuts - before < cuts ? random.Next(20_000, 5_000_000) : null;
        await using (var forward = await Forward.StartAsync(server.Far, "forward", session.Name, "9001"))
        {
            await EchoesAsync(forward, () => Task.CompletedTask);
            Assert.InRange(server.Relay.Cuts - before, cuts, cuts + 2);
            Assert.Contains("The connection is lost: reconnecting …", forward.Said, StringComparison.Ordinal);
            Assert.Contains("Back after", forward.Said, StringComparison.Ordinal);
        }
        server.Relay.CutAfter = () => null;
        await server.RemoveAsync(session.Id);
    }

    [Fact]
    public async Task A_server_that_is_killed_in_the_middle_costs_no_byte()
    {
        var session = await server.StartEchoAsync("killed");
        await using (var forward = await Forward.StartAsync(server.Near, "forward", "killed", "9001"))
        {
            await EchoesAsync(forward, async () =>
            {
                await server.KillAsync();
                await server.StartAsync();
            });
            Assert.Contains("Back after", forward.Said, StringComparison.Ordinal);
        }
        // A stream that came back, over a server that was killed, is one connection.
        IReadOnlyList<ConnectionView> written = [];
        await Eventually.TrueAsync(
            async () => (written = await server.Api.SessionConnectionsAsync(session.Id, Ct)) is [{ EndedAt: not null }], "its end is written down");
        var connection = Assert.Single(written);
        Assert.Equal(("tcp", "port 9001", "local"), (connection.Kind, connection.Target, connection.From));
        Assert.Equal((Size, Size), (connection.BytesIn, connection.BytesOut));
        await server.RemoveAsync(session.Id);
    }

    [Fact]
    public async Task Five_hundred_streams_outlive_a_server_that_is_killed()
    {
        const int Each = 250;
        SessionView[] sessions = [await server.StartEchoAsync("crowd-a"), await server.StartEchoAsync("crowd-b")];
        await using (var a = await Forward.StartAsync(server.Near, "forward", "crowd-a", "9001"))
        await using (var b = await Forward.StartAsync(server.Near, "forward", "crowd-b", "9001"))
        {
            var streams = new List<NetworkStream>();
            for (var i = 0; i < 2 * Each; i++)
            {
                // One after the other: what echoes there lets few wait at its door.
                streams.Add(await (i % 2 == 0 ? a : b).ConnectAsync());
                await EachAsync([streams[^1]], "before");
            }

            await server.KillAsync();
            // What is said while nobody is there waits where it is.
            for (var i = 0; i < streams.Count; i++)
                await streams[i].WriteAsync(Word("while away", i), Ct);
            await server.StartAsync();
            await HearAsync(streams, "while away");
            await EachAsync(streams, "after");
            streams.ForEach(stream => stream.Dispose());
        }
        foreach (var session in sessions)
            await server.RemoveAsync(session.Id);
    }

    [Fact]
    public async Task Attach_opens_what_listens_and_what_listens_later()
    {
        var session = await server.StartEchoAsync("attached");
        await using (var attach = await Forward.StartAsync(server.Near, "attach", "attached"))
        {
            // Its SSH, the front end and the echo, which may begin to listen a moment after that.
            while (attach.Ports.Count < 3)
                await attach.ReadPortsAsync();
            await Eventually.TrueAsync(() => attach.Said.Contains("UserKnownHostsFile", StringComparison.Ordinal), "it says how to log in");
            var login = attach.Said.Split('\n').Single(line => line.StartsWith("SSH:  ", StringComparison.Ordinal))[6..];
            // Whose own settings ask for signs of life would lose the login to a laptop's sleep.
            Assert.Contains("-o ServerAliveInterval=0", login, StringComparison.Ordinal);
            var ssh = await Ran.ToEndAsync("sh", ["-c", $"{login} -F none -o IdentitiesOnly=yes -o BatchMode=yes 'echo $BERTH_SESSION_NAME'"], server.Near);
            Assert.True(ssh.Line == "attached", ssh.Error);
            await Ran.WellAsync("docker", "exec", "--detach", (await Engine.ContainersOfAsync(server.Installation, session.Id))[0],
                "/bin/busybox", "nc", "-ll", "-p", "9003", "-e", "/bin/busybox", "cat");
            var later = (await attach.ReadPortsAsync()).EnumerateArray().Single();
            Assert.Equal(9003, later.GetProperty("port").GetInt32());
            Assert.Equal($"http://127.0.0.1:{attach.Ports[3]}", later.GetProperty("link").GetString());
            await using var stream = await attach.ConnectAsync(3);
            await stream.WriteAsync("later"u8.ToArray(), Ct);
            var back = new byte[5];
            await stream.ReadExactlyAsync(back, Ct);
            Assert.Equal("later"u8.ToArray(), back);
        }
        await server.RemoveAsync(session.Id);
    }

    [Fact]
    public async Task A_session_that_is_paused_ends_it_and_says_so()
    {
        var session = await server.StartEchoAsync("paused");
        await using (var forward = await Forward.StartAsync(server.Near, "forward", "paused", "9001"))
        {
            await using var open = await forward.ConnectAsync();
            await open.WriteAsync("x"u8.ToArray(), Ct);
            await open.ReadExactlyAsync(new byte[1], Ct);
            await server.Api.PauseSessionAsync(session.Id, Ct);
            Assert.Equal(5, await forward.EndedAsync(TimeSpan.FromSeconds(30)));
            Assert.Contains("Session 'paused' does not run: it is", forward.Said, StringComparison.Ordinal);
        }
        await server.UntilAsync(session.Id, s => s.Berth.Status == "paused", "it is paused");
        var refused = await server.BerthAsync("session", "forward", "paused", "9001");
        Assert.Equal(5, refused.Code);
        Assert.Contains("berth session resume paused", refused.Error, StringComparison.Ordinal);
        await server.RemoveAsync(session.Id);
        Assert.Equal(4, (await server.BerthAsync("session", "forward", "paused", "9001")).Code);
    }

    private static byte[] Word(string text, int number) => System.Text.Encoding.ASCII.GetBytes($"{text} {number:000}");

    private static async Task EachAsync(List<NetworkStream> streams, string text)
    {
        for (var i = 0; i < streams.Count; i++)
            await streams[i].WriteAsync(Word(text, i), Ct);
        await HearAsync(streams, text);
    }

    private static Task HearAsync(List<NetworkStream> streams, string text) => Task.WhenAll(streams.Select(async (stream, i) =>
    {
        var heard = new byte[Word(text, i).Length];
        await stream.ReadExactlyAsync(heard, Ct).AsTask().WaitAsync(Patience, Ct);
        Assert.Equal(Word(text, i), heard);
    }));

    // Sends it all, reads it all back, and lets something happen when a fifth has come back.
    private static async Task EchoesAsync(Forward forward, Func<Task> happen)
    {
        var sent = new byte[Size];
        new Random(42).NextBytes(sent);
        var back = new byte[Size];
        await using var stream = await forward.ConnectAsync();
        var writing = stream.WriteAsync(sent, Ct).AsTask();
        await stream.ReadExactlyAsync(back.AsMemory(0, Size / 5), Ct).AsTask().WaitAsync(Patience, Ct);
        await happen();
        await stream.ReadExactlyAsync(back.AsMemory(Size / 5), Ct).AsTask().WaitAsync(Patience, Ct);
        await writing.WaitAsync(Patience, Ct);
        Assert.True(sent.AsSpan().SequenceEqual(back), forward.Said);
    }
}
