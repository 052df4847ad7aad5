using System.Net;
using Berth.EndToEnd.Tests.House;

namespace Berth.EndToEnd.Tests;

/// <summary>What goes wrong says what happened and what to do, and leaves nothing behind.</summary>
public sealed class FaultTests(RunningServer server) : IClassFixture<RunningServer>
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task An_unknown_image()
    {
        using var registry = new EmptyRegistry();
        var ran = await server.BerthAsync("session", "start", "--image", $"{registry.Address}/nobody/nothing:1", "--name", "unknown");
        Assert.Equal(8, ran.Code);
        Assert.Equal("", ran.Out);
        Assert.Contains("Its image cannot be found", ran.Error, StringComparison.Ordinal);
        Assert.Contains("Check the image's name and tag", ran.Error, StringComparison.Ordinal);
        await GoneAsync("unknown");
    }

    [Fact]
    public async Task A_command_that_exits_at_once()
    {
        var ran = await server.BerthAsync("session", "start", "--image", Sample.Image, "--name", "early", "--", "sh", "-c", "echo no good; exit 3");
        Assert.Equal(8, ran.Code);
        Assert.Contains("Its command ended before it answered", ran.Error, StringComparison.Ordinal);
        Assert.Contains("3", ran.Error, StringComparison.Ordinal);
        Assert.Contains("no good", ran.Error, StringComparison.Ordinal);
        Assert.Contains("berth session logs early", ran.Error, StringComparison.Ordinal);
        Assert.Contains("no good", (await server.BerthAsync("session", "logs", "early")).Out, StringComparison.Ordinal);
        await GoneAsync("early");
    }

    [Fact]
    public async Task A_command_that_is_not_there()
    {
        var ran = await server.BerthAsync("session", "start", "--image", Sample.Image, "--name", "nowhere", "--", "no-such-program");
        Assert.Equal(8, ran.Code);
        Assert.Contains("Its command cannot be run", ran.Error, StringComparison.Ordinal);
        Assert.Contains("no-such-program", ran.Error, StringComparison.Ordinal);
        await GoneAsync("nowhere");
    }

    [Fact]
    public async Task Nobody_listens_on_the_port()
    {
        var (session, _) = await server.Api.StartSessionAsync(Sample.WebServer("deaf") with { Port = 9999 }, Ct);
        var waiting = await server.UntilAsync(
            session.Id, s => s.Berth.StageDetail?.Contains("8000", StringComparison.Ordinal) == true, "it says which port is listened on instead");
        Assert.Contains("9999", waiting.Berth.StageDetail, StringComparison.Ordinal);
        Assert.Equal(("launching", "starting"), (waiting.Berth.Status, waiting.Berth.Stage));
        Assert.NotNull(waiting.Berth.StopsAt);
        await GoneAsync("deaf");
    }

    [Fact]
    public async Task Out_of_memory_while_it_starts()
    {
        var (session, _) = await server.Api.StartSessionAsync(Sample.Python("x = b'x' * (1 << 30)", memoryGb: 0.25) with { Name = "greedy" }, Ct);
        var failed = await server.UntilAsync(session.Id, s => s.Berth.Status == "failed", "it fails");
        Assert.Equal("out_of_memory", failed.Berth.Reason);
        Assert.Contains("more memory than it has", failed.Berth.Sentence, StringComparison.Ordinal);
        Assert.Contains("berth session resume greedy", failed.Berth.NextStep, StringComparison.Ordinal);
        await GoneAsync("greedy");
    }

    [Fact]
    public async Task Out_of_memory_while_it_runs()
    {
        const string Code = """
            import http.server
            class Hungry(http.server.BaseHTTPRequestHandler):
                def do_GET(self):
                    if self.path == '/eat':
                        x = b'x' * (1 << 30)
                    self.send_response(200)
                    self.end_headers()
            http.server.HTTPServer(('', 8000), Hungry).serve_forever()
            """;
        var session = await server.StartSessionAsync(Sample.Python(Code, memoryGb: 0.25) with { Name = "hungry" });
        using (var visitor = await Visitor.SignInAsync(server))
        {
            using var page = await visitor.OpenAsync(session.Url);
            Assert.Equal(HttpStatusCode.OK, page.StatusCode);
            using var eaten = await visitor.GetAsync(page.RequestMessage!.RequestUri!.GetLeftPart(UriPartial.Authority) + "/eat");
            Assert.False(eaten.IsSuccessStatusCode);
        }

        var failed = await server.UntilAsync(session.Id, s => s.Berth.Status == "failed", "it fails");
        Assert.Equal("out_of_memory", failed.Berth.Reason);
        await GoneAsync("hungry");
    }

    /// <summary>Stopped, there is no trace of it on the engine.</summary>
    private async Task GoneAsync(string name)
    {
        var id = (await server.Api.GetSessionAsync(name, Ct)).Id;
        var stop = await server.BerthAsync("session", "stop", name, "--delete-work", "-y");
        Assert.True(stop.Code == 0, stop.Error);
        await server.NothingIsLeftOfAsync(id);
    }
}
