using System.Net;
using System.Net.Sockets;
using System.Text;
using Berth.Contracts.Agents;
using Berth.Contracts.Nodes;
using Berth.Contracts.Sessions;
using Berth.EndToEnd.Tests.House;
using Berth.Fakes;
using Microsoft.Playwright;

namespace Berth.EndToEnd.Tests;

/// <summary>Machines that join, as they are published: TLS by an authority of the site's own, the real engine, real processes.</summary>
public sealed class NodeTests(LabServer server, Chromium chromium) : IClassFixture<LabServer>, IClassFixture<Chromium>
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_session_on_a_machine_that_joined_outlives_the_deaths_of_node_and_server()
    {
        await using var image = await SmallImage.MakeAsync();
        await using var node = new LabNode(server, "lab1");
        var machines = await chromium.SignInAsync(server.Api, anyAuthority: true);
        await machines.RunAndWaitForResponseAsync(
            () => machines.GotoAsync(new Uri(new Uri(machines.Url), "/nodes").ToString()), answer => answer.Url.EndsWith("/api/berth/events", StringComparison.Ordinal));
        await node.JoinAsync(await server.TokenAsync(), "--ca", server.Authorities, "--label", "room=B12");
        await node.UntilAsync("ready");
        // Nobody loads the page again.
        var card = machines.GetByRole(AriaRole.Region, new() { Name = "lab1" });
        await card.GetByText("ready", new() { Exact = true }).WaitForAsync();

        var session = await server.StartSessionAsync(Request(image, "far"));
        await card.GetByRole(AriaRole.List, new() { Name = "Sessions on lab1" }).GetByText("running").WaitForAsync();
        await machines.LookAsync("machines");
        await machines.Context.CloseAsync();
        var container = Assert.Single(await Engine.ContainersAsync(node.Installation));
        Assert.Empty(await Engine.ContainersAsync(server.Installation));
        await Ran.WellAsync("docker", "exec", container, "/bin/sh", "-c", "echo from the lab >/work/index.html");
        using var visitor = await Visitor.SignInAsync(server);
        await ReadsAsync(visitor, session);
        var login = await server.BerthAsync("ssh", "far", "--", "cat", "index.html");
        Assert.True((login.Code, login.Line) == (0, "from the lab"), login.Error);

        await Ran.WellAsync("docker", "exec", "--detach", container, "/bin/busybox", "nc", "-ll", "-p", "9001", "-e", "/bin/busybox", "cat");
        await using var forward = await Forward.StartAsync(server.Near, "forward", "far", "9001");
        await using var stream = await forward.ConnectAsync(0);
        await stream.WriteAsync("while all are there, "u8.ToArray(), Ct);
        await ReturnsAsync(stream, "while all are there, ");

        var begun = await BegunAsync(container);
        await node.KillAsync();
        await stream.WriteAsync("while the node is away, "u8.ToArray(), Ct);
        node.StartAgain();
        await node.UntilAsync("ready");
        await ReturnsAsync(stream, "while the node is away, ");
        await ReadsAsync(visitor, session);

        await server.KillAsync();
        await stream.WriteAsync("while the server is away"u8.ToArray(), Ct);
        await server.StartAsync();
        await node.UntilAsync("ready");
        await ReturnsAsync(stream, "while the server is away");
        await ReadsAsync(visitor, session);

        // Nobody started anything again.
        Assert.Equal(container, Assert.Single(await Engine.ContainersAsync(node.Installation)));
        Assert.Equal(begun, await BegunAsync(container));
        var now = await server.Api.GetSessionAsync(session.Id, Ct);
        Assert.Equal(("running", 1, null), (now.Berth.Status, now.Berth.Generation, now.Berth.Reason));

        var shown = await server.BerthAsync("node", "list", "-c", "name,state,sessions,labels");
        Assert.Equal("name  state  sessions  labels\nlab1  ready  far       room=B12", string.Join('\n', shown.Line.Split('\n').Select(l => l.TrimEnd())), ignoreCase: true);

        await DrainsAsync(node, image, session);
        await IsRemovedAsync(node, session);
    }

    [Fact]
    public async Task A_token_of_one_session_is_no_use_for_another()
    {
        await using var image = await SmallImage.MakeAsync();
        await using var node = new LabNode(server, "lab2");
        await node.JoinAsync(await server.TokenAsync(), "--ca", server.Authorities);
        await node.UntilAsync("ready");
        var one = await server.StartSessionAsync(Request(image, "one"));
        var two = await server.StartSessionAsync(Request(image, "two"));
        var token = await File.ReadAllTextAsync(Path.Combine(Folder(node, one), "token"), Ct);

        // Through the other's socket: its own would be taken (a control connection: it replaces the agent's).
        Assert.StartsWith("HTTP/1.1 401 ", await AskAsync(node, two, AgentRoutes.Stream, token), StringComparison.Ordinal);
        Assert.StartsWith("HTTP/1.1 409 ", await AskAsync(node, one, AgentRoutes.Stream, token), StringComparison.Ordinal); // no control connection of that name
        Assert.StartsWith("HTTP/1.1 404 ", await AskAsync(node, one, "/api/berth/sessions", token), StringComparison.Ordinal);
        // Made to look like the other's: the server does not take it.
        var forged = $"{two.Id}.1.{token.Split('.')[2]}";
        Assert.StartsWith("HTTP/1.1 401 ", await AskAsync(node, two, AgentRoutes.Stream, forged), StringComparison.Ordinal);
        await RemoveAsync(node);
    }

    [Fact]
    public async Task What_is_wrong_with_a_join_is_said_with_what_to_do()
    {
        var token = await server.TokenAsync();
        await using (var node = new LabNode(server, "lab3"))
        {
            var (code, error) = await node.TryAsync("join_nonsense", "--ca", server.Authorities);
            Assert.Equal(77, code);
            Assert.Contains("The join token is wrong, used or expired", error, StringComparison.Ordinal);
            Assert.Contains("berth node token", error, StringComparison.Ordinal);
        }

        await using (var node = new LabNode(server, "lab3"))
        {
            var (code, error) = await node.TryAsync(token);
            Assert.Equal(69, code);
            Assert.Contains("a certificate that this machine does not trust", error, StringComparison.Ordinal);
            Assert.Contains("--ca", error, StringComparison.Ordinal);
        }

        await using (var node = new LabNode(server, "lab3"))
        {
            var (code, error) = await node.TryAsync(token, "--ca", server.Authorities, "--docker-host", "unix:///run/no-engine.sock");
            Assert.Equal(69, code);
            Assert.Contains("Sessions cannot run here", error, StringComparison.Ordinal);
            Assert.Contains("Install Docker or Podman", error, StringComparison.Ordinal);
        }

        // None of these has used it up.
        await using var joined = new LabNode(server, "lab3");
        await joined.JoinAsync(token, "--ca", server.Authorities);
        await joined.UntilAsync("ready");
        await using (var node = new LabNode(server, "lab4"))
            Assert.Contains("used or expired", (await node.TryAsync(token, "--ca", server.Authorities)).Error, StringComparison.Ordinal);
        await using (var node = new LabNode(server, "LAB3"))
        {
            var (code, error) = await node.TryAsync(await server.TokenAsync(), "--ca", server.Authorities);
            Assert.Equal(78, code);
            Assert.Contains("There is a machine 'lab3' already. Choose another --name", error, StringComparison.Ordinal);
        }

        await RemoveAsync(joined);
    }

    [Fact]
    public async Task A_node_behind_a_proxy_that_closes_idle_connections_keeps_its_own()
    {
        await using var image = await SmallImage.MakeAsync();
        // Longer than the time between two pings of either end, as of any proxy in use; shorter than the test.
        await using var proxy = new ConnectProxy(TimeSpan.FromSeconds(18), TimeProvider.System);
        await using var node = new LabNode(server, "lab5");
        node.Variables["HTTPS_PROXY"] = proxy.Address;
        await node.JoinAsync(await server.TokenAsync(), "--ca", server.Authorities);
        await node.UntilAsync("ready");
        var session = await server.StartSessionAsync(Request(image, "behind"));
        Assert.True(proxy.Connects >= 6, "control, streams and the agent's own all go by way of the proxy");
        await Eventually.TrueAsync(() => proxy.LongestInUse > TimeSpan.FromSeconds(25), "a connection lives longer than the proxy lets idle ones", TimeSpan.FromSeconds(90));
        Assert.DoesNotContain("was lost", node.Said, StringComparison.Ordinal);
        Assert.Equal("running", (await server.Api.GetSessionAsync(session.Id, Ct)).Berth.Status);
        using var visitor = await Visitor.SignInAsync(server);
        await ReadsAsync(visitor, session, HttpStatusCode.NotFound); // the web server inside has nothing to show
        await RemoveAsync(node);
    }

    [Fact]
    public async Task The_gpus_of_a_machine_are_those_that_nvidia_smi_tells_of_less_those_that_somebody_uses()
    {
        await using var node = new LabNode(server, "lab6");
        await node.PlugInGpusAsync(
            "0, GPU-11111111-aaaa-bbbb-cccc-000000000001, NVIDIA A100-SXM4-40GB, 40960, 3, 0\n1, GPU-11111111-aaaa-bbbb-cccc-000000000002, NVIDIA A100-SXM4-40GB, 40960, 30000, 98",
            "GPU-11111111-aaaa-bbbb-cccc-000000000002, 4242, 29900");
        await node.JoinAsync(await server.TokenAsync(), "--ca", server.Authorities);
        await node.UntilAsync("ready");
        var shown = await server.Api.GetNodeAsync("lab6", Ct);
        Assert.Equal(["0: NVIDIA A100-SXM4-40GB", "1: NVIDIA A100-SXM4-40GB"], shown.Gpus);
        Assert.Equal((2, 1), (shown.Offered!.Gpus, shown.Free!.Gpus));

        // It was told every 20 s who uses them; nobody knows any more.
        await node.BreakGpusAsync("Driver/library version mismatch");
        NodeView? broken = null;
        await Eventually.TrueAsync(
            async () => (broken = await server.Api.GetNodeAsync("lab6", Ct)).Problem == "Which gpus it has cannot be told: nvidia-smi fails (Driver/library version mismatch).",
            () => $"the problem is told: {broken?.Problem}", TimeSpan.FromSeconds(60));
        Assert.Equal(("ready", 2, 0), (broken!.State, broken.Offered!.Gpus, broken.Free!.Gpus));
        await RemoveAsync(node);
    }

    [Fact]
    public async Task A_machine_offers_what_it_was_told_to_and_no_more()
    {
        await using var node = new LabNode(server, "lab7");
        await node.PlugInGpusAsync(
            "0, GPU-11111111-aaaa-bbbb-cccc-000000000001, NVIDIA A100-SXM4-40GB, 40960, 3, 0\n1, GPU-11111111-aaaa-bbbb-cccc-000000000002, NVIDIA A100-SXM4-40GB, 40960, 3, 0", "");
        await node.JoinAsync(
            await server.TokenAsync(), "--ca", server.Authorities, "--queue", "LAB", "ngiht", "--fair", "--gpus", "1", "--cpus", "1", "--memory", "0.5", "--disk", "2",
            "--uptime", "00:00-24:00", "--label", "room=B12");
        await node.UntilAsync("ready");
        var shown = await server.Api.GetNodeAsync("lab7", Ct);
        Assert.Equal(["LAB", "ngiht"], shown.Queues);
        Assert.Equal((true, "00:00-24:00", "B12"), (shown.Fair, shown.Uptime, shown.Labels["room"]));
        Assert.Equal((1, 0.5, 2, 1), (shown.Offered!.Cpu, shown.Offered.MemoryGb, shown.Offered.DiskGb, shown.Offered.Gpus));
        Assert.Equal("No pool has the queue 'ngiht': no session comes from it.", shown.Problem);
        await RemoveAsync(node);
    }

    private async Task DrainsAsync(LabNode node, SmallImage image, SessionView session)
    {
        var drained = await server.BerthAsync("node", "drain", node.Name);
        Assert.Contains("takes nothing new; 1 session on it goes on.", drained.Error, StringComparison.Ordinal);
        var late = await server.BerthAsync("start", "--image", image.Name, "--pool", LabServer.Pool, "--name", "late", "--detach");
        Assert.True(late.Code == 0, late.Error);
        await server.UntilAsync("late", s => s.Berth.Line?.Reason == "lab1 takes nothing new", "it waits");
        Assert.Equal("ended", (await server.Api.StopSessionAsync("late", deleteWork: false, Ct)).Berth.Status);
        Assert.Equal("running", (await server.Api.GetSessionAsync(session.Id, Ct)).Berth.Status);
        Assert.Equal(0, (await server.BerthAsync("node", "resume", node.Name)).Code);
        await node.UntilAsync("ready");
    }

    private async Task IsRemovedAsync(LabNode node, SessionView session)
    {
        var refused = await server.BerthAsync("node", "remove", node.Name);
        Assert.Equal(5, refused.Code);
        Assert.Contains("lab1 has 1 session that has not ended: 'far'.", refused.Error, StringComparison.Ordinal);

        await RemoveAsync(node);
        var ended = await server.Api.GetSessionAsync(session.Id, Ct);
        Assert.Equal(("ended", "node_removed"), (ended.Berth.Status, ended.Berth.Reason));
        Assert.Contains("Its work is still on that machine", ended.Berth.NextStep, StringComparison.Ordinal);
        Assert.Equal(77, await node.EndedAsync());
        Assert.Contains("it was removed there", node.Said, StringComparison.Ordinal);
        // What ran is stopped, and its work is there.
        Assert.Empty(await Engine.ContainersAsync(node.Installation));
        Assert.Single(await Engine.VolumesAsync(node.Installation));
    }

    private async Task RemoveAsync(LabNode node)
    {
        var removed = await server.BerthAsync("node", "remove", node.Name, "--force", "-y");
        Assert.True(removed.Code == 0, removed.Error);
    }

    private static async Task ReturnsAsync(Stream stream, string words)
    {
        var back = new byte[words.Length];
        await stream.ReadExactlyAsync(back, Ct).AsTask().WaitAsync(Patience, Ct);
        Assert.Equal(words, Encoding.ASCII.GetString(back));
    }

    private static StartRequest Request(SmallImage image, string name) =>
        new(Image: image.Name, Name: name, Port: 8000, Args: SmallImage.WebServer, PoolName: LabServer.Pool);

    private static async Task ReadsAsync(Visitor visitor, SessionView session, HttpStatusCode status = HttpStatusCode.OK) => await Eventually.TrueAsync(
        async () =>
        {
            using var page = await visitor.OpenAsync(session.Url);
            return page.StatusCode == status && (status != HttpStatusCode.OK || await page.Content.ReadAsStringAsync(Ct) == "from the lab\n");
        },
        "its page is read through the server", Patience);

    private static async Task<string> BegunAsync(string container) => (await Engine.InspectAsync(container)).GetProperty("State").GetProperty("StartedAt").GetString()!;

    private static string Folder(LabNode node, SessionView session) => Path.Combine(node.Data, "s", session.Id.ToLowerInvariant());

    /// <summary>As a process of the session's container asks: through its socket.</summary>
    private static async Task<string> AskAsync(LabNode node, SessionView session, string route, string token)
    {
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await socket.ConnectAsync(new UnixDomainSocketEndPoint(Path.Combine(Folder(node, session), "agent.sock")), Ct);
        await socket.SendAsync(Encoding.ASCII.GetBytes(
            $"GET {route} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
            + $"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nAuthorization: Bearer {token}\r\n{AgentRoutes.ConnectionHeader}: other\r\n\r\n"), Ct);
        var answer = new byte[1024];
        return Encoding.ASCII.GetString(answer, 0, await socket.ReceiveAsync(answer, Ct));
    }
}
