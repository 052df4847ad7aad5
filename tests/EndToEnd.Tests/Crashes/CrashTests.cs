using System.Diagnostics;
using Berth.Contracts.Client;
using Berth.Core.Faults;
using Berth.EndToEnd.Tests.House;
using Berth.Fakes;
using Berth.Providers.Docker;

namespace Berth.EndToEnd.Tests.Crashes;

/// <summary>
/// The server is killed before and after each step of each scenario of a session's life, and started again: what was asked
/// for comes about, nothing is there twice, and nothing is left.
/// </summary>
public sealed class CrashTests(ITestOutputHelper output) : IAsyncLifetime
{
    // No step of a session's life on this engine: an answer about an image, a call of Podman's, an installation's end.
    private static readonly EngineCall[] Elsewhere = [EngineCall.InitializeContainer, EngineCall.ListVolumes, EngineCall.MeasureVolumes, EngineCall.RemoveNetwork, EngineCall.ClearFirewall];

    // On this engine nobody waits for a machine: LineTests.
    private static readonly Commit[] InLine = [Commit.Placed, Commit.BackInLine];

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(15);
    private readonly Dictionary<string, string> _ids = []; // by name: an ended session is found by its id alone
    private readonly HashSet<string> _gone = [];
    private readonly DirectoryInfo _registryFolder = Directory.CreateTempSubdirectory("berth-registry-");
    private readonly List<string> _faults = [];
    private MortalServer _server = null!;
    private SmallImage _image = null!;
    private ImageRegistry _registry = null!;
    private string _remoteImage = "";
    private int _names;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "Needs root: the firewall's rules and a server that does not see the engine's folders.");
        _image = await SmallImage.MakeAsync();
        _registry = await ImageRegistry.StartAsync(_registryFolder.FullName);
        _remoteImage = await _image.PushAsync(_registry.Address);
        _server = await MortalServer.StartNewAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (_server is null)
            return;
        await _server.DisposeAsync();
        _registry.Dispose();
        await _image.DisposeAsync();
        _registryFolder.Delete(recursive: true);
    }

    // 1. each scenario once, to learn which points it passes
    // 2. each scenario once for each of its points, at which the server dies; steps that only look do so in one scenario
    // 3. every point was reached, and nothing is left
    [Fact]
    public async Task At_every_step_a_killed_server_loses_nothing_doubles_nothing_and_leaves_nothing()
    {
        var points = FaultPoints.Of<EngineCall>().Concat(FaultPoints.Of<Commit>()).ToHashSet();
        points.ExceptWith(Elsewhere.SelectMany(call => points.Where(p => p.StartsWith($"EngineCall.{call}.", StringComparison.Ordinal)).ToList()));
        points.ExceptWith(InLine.SelectMany(commit => new[] { $"Commit.{commit}.before", $"Commit.{commit}.after" }));
        var reached = new HashSet<string>();
        var only = Environment.GetEnvironmentVariable("BERTH_TEST_CRASH");
        foreach (var scenario in new Scenarios(_server, _image, _remoteImage).All)
        {
            var watch = Stopwatch.StartNew();
            var passed = (await PassedAsync(scenario)).Where(scenario.IsSure).ToHashSet(); // 1
            Assert.True(passed.IsSubsetOf(points), string.Join(", ", passed.Except(points)));
            var tried = passed.Where(p => !reached.Contains(p) || !(scenario.Rest || OnlyLooks(p)))
                .Where(p => only is null || $"{scenario.Name} {p}".Contains(only, StringComparison.Ordinal)).Order(StringComparer.Ordinal).ToList();
            foreach (var point in tried)
                await DieAsync(scenario, point);                                            // 2
            reached.UnionWith(passed);
            output.WriteLine($"{scenario.Name}: {tried.Count} deaths in {watch.Elapsed.TotalSeconds:0} s");
        }

        if (only is null)
            _faults.AddRange(points.Except(reached).Select(p => $"{p} was never reached."));  // 3
        await NothingIsLeftAsync();
        Assert.True(_faults.Count == 0, string.Join('\n', _faults));
    }

    private static bool OnlyLooks(string point) =>
        point.Split('.')[1] is var step && (step == nameof(Commit.LeaseTaken)
            || new[] { "Read", "Inspect", "List", "Check" }.Any(verb => step.StartsWith(verb, StringComparison.Ordinal)));

    private async Task<IReadOnlySet<string>> PassedAsync(Scenario scenario)
    {
        var name = await TakeAsync(scenario);
        _server.TakePassed();
        await scenario.AskAsync(name);
        await AnswersAsync();
        await ConvergedAsync(scenario, name);
        return _server.TakePassed();
    }

    private async Task DieAsync(Scenario scenario, string point)
    {
        try
        {
            var name = await TakeAsync(scenario);
            _server.Arm(point);
            await TryAsync(() => scenario.AskAsync(name));
            await _server.DeadAsync(point);
            await _server.StartAsync();
            if (point is "Commit.Asked.before" or "Commit.Wished.before")
                await scenario.AskAsync(name); // it was never accepted, and who asked knows
            await ConvergedAsync(scenario, name);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            _faults.Add($"{scenario.Name}, {point}: {e.Message}");
            output.WriteLine(_faults[^1]);
            await _server.StartAgainAsync();
        }
    }

    /// <summary>The name of a session that the scenario may begin with: one that another has left behind, or a new one.</summary>
    private async Task<string> TakeAsync(Scenario scenario)
    {
        await scenario.PrepareAsync();
        if (scenario.From is null)
            return $"s{++_names}";
        var from = scenario.From;
        var found = (await _server.AllSessionsAsync()).FirstOrDefault(s => s.Berth.Status == from && !_gone.Contains(s.Id));
        if (found is not null)
            return found.Name;
        var name = $"s{++_names}";
        var id = _ids[name] = (await _server.StartSessionAsync(Scenarios.Request(name, _image.Name))).Id;
        if (from == "paused")
            await _server.Api.PauseSessionAsync(name, Ct);
        else if (from == "ended")
            await _server.Api.StopSessionAsync(name, deleteWork: false, Ct);
        await _server.UntilAsync(id, s => s.Berth.Status == from, $"{name} is {from}");
        return name;
    }

    private static async Task TryAsync(Func<Task> ask)
    {
        try
        {
            await ask();
        }
        catch (Exception e) when (e is ServerUnreachableException or HttpRequestException or IOException)
        {
            // It died before it could answer.
        }
    }

    private Task AnswersAsync() => Eventually.TrueAsync(
        async () =>
        {
            try
            {
                return await _server.Api.VersionAsync(Ct) is not null;
            }
            catch (ServerUnreachableException)
            {
                return false;
            }
        },
        "the server answers", Patience);

    private async Task ConvergedAsync(Scenario scenario, string name)
    {
        if (!_ids.TryGetValue(name, out var id))
            id = _ids[name] = (await _server.Api.GetSessionAsync(name, Ct)).Id;
        await _server.UntilAsync(id, s => s.Berth.Status == scenario.To, $"{name} is {scenario.To}", Patience);
        if (!scenario.KeepsWork)
            _gone.Add(id);
        var folder = Path.Combine(_server.DataFolder, "s", id.ToLowerInvariant());
        var (containers, volumes, files) = scenario switch
        {
            { To: "running" } => (1, 1, "agent.sock image order.json token volume"),
            { KeepsWork: true } => (0, 1, "image volume"),
            _ => (0, 0, ""),
        };
        (int, int, string) there = default;
        await Eventually.TrueAsync(
            async () =>
            {
                there = (
                    (await Engine.ContainersOfAsync(_server.Installation, id)).Length,
                    (await Engine.VolumesAsync(_server.Installation)).Count(v => v.Contains(id, StringComparison.OrdinalIgnoreCase)),
                    Directory.Exists(folder) ? string.Join(' ', Directory.GetFiles(folder).Select(Path.GetFileName).Order()) : "");
                return there == (containers, volumes, files);
            },
            () => $"a session that is {scenario.To} has containers, volumes and files {(containers, volumes, files)}, there is {there}",
            Patience);
    }

    private async Task NothingIsLeftAsync()
    {
        foreach (var session in await _server.AllSessionsAsync())
            await _server.RemoveAsync(session.Id);
        Assert.Empty(await Engine.ContainersAsync(_server.Installation));
        Assert.Empty(await Engine.VolumesAsync(_server.Installation));
        foreach (var folder in new[] { "s", "logs" }.Select(f => new DirectoryInfo(Path.Combine(_server.DataFolder, f))).Where(f => f.Exists))
            Assert.Empty(folder.GetFileSystemInfos());
        Assert.Single((await Ran.WellAsync("docker", "network", "ls", "--quiet", "--filter", $"label=io.berth.installation={_server.Installation}")).Line.Split('\n'));
    }
}
