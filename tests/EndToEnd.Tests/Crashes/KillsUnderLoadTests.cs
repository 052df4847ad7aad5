using System.Globalization;
using Berth.Contracts.Sessions;
using Berth.EndToEnd.Tests.House;
using Berth.Fakes;

namespace Berth.EndToEnd.Tests.Crashes;

/// <summary>A server that is killed and started again and again while clients make, pause, resume, delete and list sessions, and some run.</summary>
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

    private const int Clients = 4;

    // Between two kills.
    private const int AcceptedPerKill = 6;

    [Fact]
    public async Task Every_session_that_ran_still_runs_with_its_memory_and_all_that_was_accepted_is_done_once()
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

        var steady = counters.Select(c => c.Session).Append(lab).ToList();
        using var enough = CancellationTokenSource.CreateLinkedTokenSource(Ct);
        using var accepted = new SemaphoreSlim(0);
        var clients = Enumerable.Range(0, Clients).Select(i => new LoadClient(server, i, image.Name, () => accepted.Release())).ToList();
        var load = Task.WhenAll(clients.Select(client => Task.Run(() => client.RunAsync(enough.Token))));
        for (var kill = 0; kill < Kills; kill++)
        {
            for (var i = 0; i < AcceptedPerKill && !load.IsCompleted; i++)
                Assert.True(await accepted.WaitAsync(TimeSpan.FromSeconds(30), Ct), $"before kill {kill + 1} the server accepted {i} requests in 30 s");
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
        await load;
        var all = clients.SelectMany(client => client.Sessions).ToList();
        var counts = clients.SelectMany(client => client.Counts).GroupBy(c => c.Key, c => c.Value).OrderBy(g => g.Key, StringComparer.Ordinal).Select(g => $"{g.Key} {g.Sum()}");
        output.WriteLine($"{Kills} kills; accepted: {string.Join(", ", counts)}; {clients.Sum(c => c.Unanswered)} times asked again; "
            + $"in the end {string.Join(", ", all.GroupBy(s => s.Wanted).Select(g => $"{g.Count()} {g.Key}"))}");
        Assert.Equal("43", await kernel.RunAsync("print(x + 1)"));
        foreach (var before in steady)
        {
            var after = await server.Api.GetSessionAsync(before.Id, Ct);
            Assert.Equal(("running", 1, before.Berth.StatusSince), (after.Berth.Status, after.Berth.Generation, after.Berth.StatusSince));
        }

        await ConvergedAsync(all, steady);
        await Task.WhenAll((await server.AllSessionsAsync()).Select(session => server.RemoveAsync(session.Id)));
        Assert.Empty(await Engine.ContainersAsync(server.Installation));
        Assert.Empty(await Engine.VolumesAsync(server.Installation));
    }

    private static string Origin(HttpResponseMessage answer) => answer.RequestMessage!.RequestUri!.GetLeftPart(UriPartial.Authority);

    private static (string Secret, int Asked) Read(string said) =>
        said.Split(' ') is [var secret, var asked] ? (secret, int.Parse(asked, CultureInfo.InvariantCulture)) : throw new FormatException(said);

    /// <summary>Each is what its last accepted request wanted, with what that takes and no more.</summary>
    private async Task ConvergedAsync(List<Accepted> accepted, List<SessionView> steady)
    {
        foreach (var session in accepted)
        {
            var found = await server.UntilAsync(session.Id, s => s.Berth.Status == session.Wanted, $"{session.Name} is {session.Wanted}", TimeSpan.FromSeconds(60));
            Assert.Equal(session.Name, found.Name);
            await Eventually.TrueAsync(
                async () => (await Engine.ContainersOfAsync(server.Installation, session.Id)).Length == (session.Wanted == "running" ? 1 : 0),
                $"{session.Name}, {session.Wanted}, has its containers");
            if (session.Wanted == "ended")
                await server.NothingIsLeftOfAsync(session.Id);
        }

        var live = accepted.FindAll(s => s.Wanted != "ended");
        Assert.Equal(live.Select(s => s.Id).Order(), (await server.Api.ListSessionsAsync(Ct)).Select(s => s.Id).Except(steady.Select(s => s.Id)).Order());
        Assert.Equal(accepted.Count + steady.Count, (await server.AllSessionsAsync()).Count);
        Assert.Equal(live.Count(s => s.Wanted == "running") + steady.Count, (await Engine.ContainersAsync(server.Installation)).Length);
        var volumes = await Engine.VolumesAsync(server.Installation);
        Assert.Empty(volumes.Except([.. live.Select(s => VolumeOf(s.Id)), .. steady.Select(s => VolumeOf(s.Id))]));
        foreach (var session in live.Where(s => !volumes.Contains(VolumeOf(s.Id))))
        {
            // Paused before it was begun, it never had one.
            var told = (await server.Api.SessionEventsAsync(session.Id, Ct)).Select(e => e.Text).ToList();
            Assert.True(session.Wanted == "paused" && !told.Exists(t => t.Contains("workspace", StringComparison.Ordinal) || t.StartsWith("It runs", StringComparison.Ordinal)), $"{session.Name}, {session.Wanted}, has no workspace: {string.Join(' ', told)}");
        }

        static string VolumeOf(string id) => $"berth-{id.ToLowerInvariant()}";
    }
}
