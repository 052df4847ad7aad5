using System.Globalization;
using Berth.Contracts.Client;
using Berth.Contracts.Sessions;
using Berth.EndToEnd.Tests.House;

namespace Berth.EndToEnd.Tests.Crashes;

/// <summary>A server that is killed and started again and again while sessions start, stop and run.</summary>
public sealed class KillsUnderLoadTests(RunningServer server, ITestOutputHelper output) : IClassFixture<RunningServer>
{
    // A value that exists in this process's memory alone, and a count of the questions.
    private const string Counter = """
        import http.server, os
        secret, asked = os.urandom(8).hex(), 0
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                global asked
                asked += 1
                self.send_response(200)
                self.end_headers()
                self.wfile.write(f'{secret} {asked}'.encode())
            def log_message(self, *args):
                pass
        http.server.HTTPServer(('', 8000), Handler).serve_forever()
        """;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    /// <summary>20, or what <c>BERTH_TEST_KILLS</c> says.</summary>
    private static int Kills => Environment.GetEnvironmentVariable("BERTH_TEST_KILLS") is { } text ? int.Parse(text, CultureInfo.InvariantCulture) : 20;

    [Fact]
    public async Task Every_session_that_ran_still_runs_with_all_that_it_holds_in_memory()
    {
        await using var image = await SmallImage.MakeAsync();
        using var visitor = await Visitor.SignInAsync(server);
        var environment = (await server.Api.ListEnvironmentsAsync(Ct))[0].Id;
        var lab = await server.StartSessionAsync(new StartRequest(EnvironmentId: environment, Name: "lab"));
        using var page = await visitor.OpenAsync(lab.Url);
        var kernel = await Kernel.StartAsync(visitor, Origin(page));
        await kernel.RunAsync("x = 6 * 7");
        var counters = new List<(SessionView Session, string Url, string Said)>();
        foreach (var name in (string[])["one", "two"])
        {
            var session = await server.StartSessionAsync(Sample.Python(Counter, memoryGb: 0.25) with { Name = name });
            using var opened = await visitor.OpenAsync(session.Url);
            counters.Add((session, Origin(opened), await opened.Content.ReadAsStringAsync(Ct)));
        }

        using var enough = CancellationTokenSource.CreateLinkedTokenSource(Ct);
        var load = Enumerable.Range(0, 2).Select(i => LoadAsync(i, image.Name, enough.Token)).ToArray();
        for (var kill = 0; kill < Kills; kill++)
        {
            await server.KillAsync();
            await server.StartAsync();
            for (var i = 0; i < counters.Count; i++)
            {
                using var answer = await visitor.GetAsync(counters[i].Url);
                var said = await answer.Content.ReadAsStringAsync(Ct);
                Assert.True(answer.IsSuccessStatusCode, $"after kill {kill + 1}: {(int)answer.StatusCode} {said}");
                var ((secret, asked), (secretBefore, askedBefore)) = (Read(said), Read(counters[i].Said));
                Assert.Equal(secretBefore, secret);
                Assert.True(asked > askedBefore, $"{asked} after {askedBefore}");
                counters[i] = counters[i] with { Said = said };
            }
        }

        await enough.CancelAsync();
        output.WriteLine($"{Kills} kills; meanwhile {(await Task.WhenAll(load)).Sum()} sessions came and went");
        Assert.Equal("43", await kernel.RunAsync("print(x + 1)"));
        foreach (var before in counters.Select(c => c.Session).Append(lab))
        {
            var after = await server.Api.GetSessionAsync(before.Id, Ct);
            Assert.Equal(("running", 1, before.Berth.StatusSince), (after.Berth.Status, after.Berth.Generation, after.Berth.StatusSince));
        }

        await Task.WhenAll((await server.AllSessionsAsync()).Select(session => server.RemoveAsync(session.Id)));
        Assert.Empty(await Engine.ContainersAsync(server.Installation));
        Assert.Empty(await Engine.VolumesAsync(server.Installation));
    }

    private static string Origin(HttpResponseMessage answer) => answer.RequestMessage!.RequestUri!.GetLeftPart(UriPartial.Authority);

    private static (string Secret, int Asked) Read(string said) =>
        said.Split(' ') is [var secret, var asked] ? (secret, int.Parse(asked, CultureInfo.InvariantCulture)) : throw new FormatException(said);

    /// <summary>Starts sessions and deletes them, until it is enough. Returns how many ran.</summary>
    private async Task<int> LoadAsync(int worker, string image, CancellationToken enough)
    {
        var ran = 0;
        for (var i = 0; !enough.IsCancellationRequested; i++)
        {
            try
            {
                var (session, _) = await server.Api.StartSessionAsync(Scenarios.Request($"load-{worker}-{i}", image), enough);
                await server.UntilAsync(session.Id, s => s.Berth.Status == "running", "it runs", TimeSpan.FromSeconds(3));
                ran++;
                await server.Api.StopSessionAsync(session.Id, deleteWork: true, enough);
            }
            catch (Exception e) when (e is ServerUnreachableException or HttpRequestException or IOException or TimeoutException or OperationCanceledException)
            {
                // The server was killed meanwhile: this session stays as it is, and is removed in the end.
            }
        }

        return ran;
    }
}
