using System.Collections.Concurrent;
using System.Globalization;
using Berth.Core.Agents;
using Berth.Core.Ids;
using Berth.Core.Providers;
using Berth.Core.Sessions;
using Berth.Fakes;

namespace Berth.Providers.Tests;

/// <summary>
/// What every provider promises, tried against real compute. A provider's own class says how it is reached; what runs in
/// the sessions is one of the stand-in agent's behaviours (see <see cref="StandInAgent"/>), named by the command.
/// </summary>
public abstract class ProviderContract
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(2);

    protected static CancellationToken Ct => TestContext.Current.CancellationToken;

    /// <summary>The provider, of an installation of this test class's own.</summary>
    protected abstract ISessionProvider Provider { get; }

    /// <summary>The same compute as another installation of Berth sees it.</summary>
    protected abstract ISessionProvider Stranger { get; }

    /// <summary>An image with a shell.</summary>
    protected abstract string Image { get; }

    /// <summary>Ends a session's processes behind the provider's back, by KILL.</summary>
    protected abstract Task KillAsync(SessionKey key);

    /// <summary>Leaves behind what a start leaves that is cut short between making and starting.</summary>
    protected abstract Task CutShortAsync(StartOrder order);

    [Fact]
    public async Task StartsASession()
    {
        var order = Order("stay");
        await StartAsync(order);
        var observation = await SeenAsync(order.Key, ForeignState.Running);
        Assert.False(string.IsNullOrEmpty(observation.Words));
        Assert.Null(observation.ExitCode);
    }

    [Fact]
    public async Task TheSameOrderTwiceIsOneSession()
    {
        var order = Order("stay");
        await StartAsync(order);
        await StartAsync(order);
        Assert.Single(await AllAsync(), o => o.Key == order.Key);
    }

    [Fact]
    public async Task TheSameOrderTwiceAtOnceIsOneSession()
    {
        var order = Order("stay");
        await Task.WhenAll(StartAsync(order), StartAsync(order), StartAsync(order));
        Assert.Single(await AllAsync(), o => o.Key == order.Key);
        await SeenAsync(order.Key, ForeignState.Running);
    }

    [Fact]
    public async Task RefusesAnOlderGeneration()
    {
        var newer = Order("stay", generation: 2);
        await StartAsync(newer);
        var refusal = await Assert.ThrowsAsync<ProviderException>(() => StartAsync(Again(newer, "stay", generation: 1)));
        Assert.Equal(Reason.Refused, refusal.Reason);
        Assert.Single(await AllAsync(), o => o.Key.SessionId == newer.Key.SessionId);
    }

    [Fact]
    public async Task ASecondStartMendsOneThatWasCutShort()
    {
        var order = Order("stay");
        await CutShortAsync(order);
        Assert.Equal(ForeignState.Created, (await SeenAsync(order.Key, ForeignState.Created)).State);
        await StartAsync(order);
        await SeenAsync(order.Key, ForeignState.Running);
    }

    [Fact]
    public async Task ObservesItsOwnInstallationAlone()
    {
        var (ours, theirs) = (Order("stay"), Order("stay"));
        await StartAsync(ours);
        await Stranger.StartAsync(theirs, new Heard(), Ct);

        Assert.Contains(await AllAsync(), o => o.Key == ours.Key);
        Assert.DoesNotContain(await AllAsync(), o => o.Key == theirs.Key);

        await Provider.StopAsync(theirs.Key, StopMode.DeleteWorkspace, Ct);
        Assert.Contains(await AllAsync(Stranger), o => o.Key == theirs.Key);
    }

    [Fact]
    public async Task StoppingWhatIsNotThereSucceeds()
    {
        var key = new SessionKey(Ulid.New(TimeProvider.System), 1);
        await Provider.StopAsync(key, StopMode.KeepWorkspace, Ct);
        await Provider.StopAsync(key, StopMode.DeleteWorkspace, Ct);
    }

    [Fact]
    public async Task StoppingGivesTheProcessesTimeToEnd()
    {
        var order = Order("say-goodbye");
        await StartAsync(order);
        await SeenAsync(order.Key, ForeignState.Running);
        await Provider.StopAsync(order.Key, StopMode.KeepWorkspace, Ct);
        Assert.DoesNotContain(await AllAsync(), o => o.Key == order.Key);

        var next = Again(order, "show-goodbye", generation: 2);
        await StartAsync(next);
        Assert.Equal("goodbye", await SaidAsync(next.Key));
    }

    [Fact]
    public async Task ANewerGenerationEndsTheOlderOneFirstForBothHaveOneWorkspace()
    {
        var older = Order("say-goodbye");
        await StartAsync(older);
        await SeenAsync(older.Key, ForeignState.Running);
        var newer = Again(older, "show-goodbye", generation: 2);
        await StartAsync(newer);
        Assert.Equal("goodbye", await SaidAsync(newer.Key));
        Assert.Equal(newer.Key, Assert.Single(await AllAsync(), o => o.Key.SessionId == newer.Key.SessionId).Key);
    }

    [Fact]
    public async Task StoppingAnOlderGenerationLeavesTheNewer()
    {
        var older = Order("stay");
        await StartAsync(older);
        var newer = Again(older, "stay", generation: 2);
        await StartAsync(newer);
        await Provider.StopAsync(older.Key, StopMode.KeepWorkspace, Ct);
        Assert.Equal(newer.Key, Assert.Single(await AllAsync(), o => o.Key.SessionId == newer.Key.SessionId).Key);
        await SeenAsync(newer.Key, ForeignState.Running);
    }

    [Fact]
    public async Task AKillFromOutsideIsSeenWithinTwoSeconds()
    {
        Assert.SkipUnless(Provider is IChangeSource, "This provider has to be asked.");
        var order = Order("stay");
        await StartAsync(order);
        await SeenAsync(order.Key, ForeignState.Running);

        using var limit = CancellationTokenSource.CreateLinkedTokenSource(Ct);
        await using var changes = ((IChangeSource)Provider).WatchAsync(limit.Token).GetAsyncEnumerator(limit.Token);
        var next = changes.MoveNextAsync();
        await KillAsync(order.Key);
        limit.CancelAfter(Soon);
        while (!(await AllAsync()).Any(o => o.Key == order.Key && o.State == ForeignState.Exited))
        {
            Assert.True(await next);
            next = changes.MoveNextAsync();
        }

        var end = await SeenAsync(order.Key, ForeignState.Exited);
        Assert.Equal(137, end.ExitCode);
        Assert.False(end.OutOfMemory);
        await limit.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => { while (await next) next = changes.MoveNextAsync(); });
    }

    [Fact]
    public async Task AnEndHasItsExitCodeAndItsLastWords()
    {
        var order = Order("fail");
        await StartAsync(order);
        var end = await SeenAsync(order.Key, ForeignState.Exited);
        Assert.Equal(3, end.ExitCode);
        Assert.Equal("cannot go on\nreally", end.LastWords);
    }

    /// <summary>Why it has no use for images; null: it has.</summary>
    protected virtual string? HasNoImages => null;

    /// <summary>Why all its sessions have one user; null: they have not.</summary>
    protected virtual string? HasOneUser => null;

    /// <summary>Why its ends for want of memory cannot be told from others; null: they can.</summary>
    protected virtual Task<string?> CannotTellWantOfMemoryAsync() => Task.FromResult<string?>(null);

    /// <summary>Why sessions get as much as they like, if they do; the provider then says so.</summary>
    protected virtual Task<string?> CannotLimitAsync() => Task.FromResult<string?>(null);

    [Fact]
    public async Task AnEndForWantOfMemorySaysSo()
    {
        var cannot = await CannotTellWantOfMemoryAsync();
        Assert.SkipWhen(cannot is not null, cannot ?? "");
        var order = Order("eat-memory");
        await StartAsync(order);
        var end = await SeenAsync(order.Key, ForeignState.Exited);
        Assert.True(end.OutOfMemory);
        Assert.NotEqual(0, end.ExitCode);
    }

    [Fact]
    public async Task TheWorkspaceOutlivesAStopUnlessItIsDeleted()
    {
        var first = Order("write");
        await StartAsync(first);
        Assert.Equal("written", await SaidAsync(first.Key));
        await Provider.StopAsync(first.Key, StopMode.KeepWorkspace, Ct);

        var second = Again(first, "read", generation: 2);
        await StartAsync(second);
        Assert.Equal("kept", await SaidAsync(second.Key));
        await Provider.StopAsync(second.Key, StopMode.DeleteWorkspace, Ct);

        var third = Again(first, "read", generation: 3);
        await StartAsync(third);
        Assert.Equal("nothing", await SaidAsync(third.Key));
    }

    [Fact]
    public async Task WhatAWorkspaceHoldsIsMeasuredByItsId()
    {
        Assert.SkipUnless(Provider is IWorkspaceSizes, "It does not measure workspaces.");
        var order = Order("write");
        await StartAsync(order);
        Assert.Equal("written", await SaidAsync(order.Key));
        var sizes = await ((IWorkspaceSizes)Provider).MeasureAsync(Ct);
        Assert.InRange(sizes[order.Key.SessionId], 1, 100_000);
        await Provider.StopAsync(order.Key, StopMode.DeleteWorkspace, Ct);
        Assert.DoesNotContain(order.Key.SessionId, await ((IWorkspaceSizes)Provider).MeasureAsync(Ct));
    }

    [Fact]
    public async Task WorkspacesAreListedWithWhoseTheyAreUntilTheyAreDeleted()
    {
        Assert.SkipUnless(Provider is IWorkspaceList, "It does not list workspaces.");
        var provider = (IWorkspaceList)Provider;
        var order = Order("write");
        order = order with { Labels = new Dictionary<string, string>(order.Labels) { [StartOrder.OwnerLabel] = "01OWNER", [StartOrder.NameLabel] = "theirs" } };
        await StartAsync(order);
        await Provider.StopAsync(order.Key, StopMode.KeepWorkspace, Ct);

        var found = Assert.Single(await provider.ListWorkspacesAsync(Ct), w => w.Id == order.Key.SessionId);
        Assert.Equal(("01OWNER", "theirs"), (found.OwnerId, found.SessionName));
        Assert.InRange(found.MadeAt!.Value, TimeProvider.System.GetUtcNow().AddMinutes(-5), TimeProvider.System.GetUtcNow().AddMinutes(1));

        await Provider.StopAsync(new SessionKey("01HXXXXXXXXXXXXXXXXXXXXXXX", 1), StopMode.DeleteWorkspaceOf(order.Key.SessionId), Ct);
        Assert.DoesNotContain(await provider.ListWorkspacesAsync(Ct), w => w.Id == order.Key.SessionId);
    }

    [Fact]
    public async Task ASessionGoesOnInTheWorkspaceOfAnotherAndOneOfThemDeletesIt()
    {
        var first = Order("write");
        await StartAsync(first);
        Assert.Equal("written", await SaidAsync(first.Key));
        await Provider.StopAsync(first.Key, StopMode.KeepWorkspace, Ct);

        var second = Order("read") with { Workspace = first.Key.SessionId };
        await StartAsync(second);
        Assert.Equal("kept", await SaidAsync(second.Key));
        await Provider.StopAsync(second.Key, StopMode.KeepWorkspace, Ct);

        // What is left of the first has another workspace by now, which was never made.
        await Provider.StopAsync(first.Key, StopMode.DeleteWorkspaceOf(second.Key.SessionId), Ct);
        var again = Again(second, "read", generation: 2) with { Workspace = first.Key.SessionId };
        await StartAsync(again);
        Assert.Equal("kept", await SaidAsync(again.Key));
        await Provider.StopAsync(again.Key, StopMode.DeleteWorkspaceOf(first.Key.SessionId), Ct);

        var third = Again(second, "read", generation: 3) with { Workspace = first.Key.SessionId };
        await StartAsync(third);
        Assert.Equal("nothing", await SaidAsync(third.Key));
        await Provider.StopAsync(third.Key, StopMode.DeleteWorkspaceOf(first.Key.SessionId), Ct);
    }

    [Fact]
    public async Task TheWorkspaceBelongsToTheUser()
    {
        Assert.SkipWhen(HasOneUser is not null, HasOneUser ?? "");
        var order = Order("who", spec => spec with { Uid = 4321, Gid = 8765 });
        await StartAsync(order);
        Assert.Equal("4321:8765 workspace 4321:8765 file 4321:8765", await SaidAsync(order.Key));
    }

    [Fact]
    public async Task LimitsHold()
    {
        var not = await CannotLimitAsync();
        Assert.SkipWhen(not is not null, not ?? "");
        var order = Order("limits", spec => spec with { Resources = new SessionResources(0.5, 512L << 20, 0, GpuRequest.None) });
        await StartAsync(order);
        var said = (await SaidAsync(order.Key)).Split(' ').Select(w => double.Parse(w, CultureInfo.InvariantCulture)).ToArray();
        Assert.Equal(0.5, said[0]);
        Assert.Equal(512L << 20, said[1]);
        Assert.Equal(128 << 10, said[2]); // kB of shared memory: a quarter
    }

    [Fact]
    public async Task TheAgentIsToldWhatItNeeds()
    {
        var order = Order("show-order", spec => spec with { Uid = HasOneUser is null ? 1001 : null, Gid = HasOneUser is null ? 1001 : null, Args = ["one", "t'wo \" three"] });
        await StartAsync(order);
        var said = await SaidAsync(order.Key);
        Assert.Contains("\"command\":[\"show-order\",\"one\",\"t\\u0027wo \\u0022 three\"]", said);
        Assert.Contains("\"working_directory\":\"/work\"", said);
        Assert.Contains($"\"session_id\":\"{order.Key.SessionId}\"", said);
        Assert.Contains("token: secret-of-the-agent", said);
    }

    [Theory]
    [InlineData("no such thing!")]
    [InlineData("../containers/json?all=1")]
    [InlineData("")]
    public async Task RefusesWhatIsNoImage(string image)
    {
        Assert.SkipWhen(HasNoImages is not null, HasNoImages ?? "");
        var refusal = await Assert.ThrowsAsync<ProviderException>(() => StartAsync(Order("stay", spec => spec with { Image = image })));
        Assert.Equal(Reason.ImageNotFound, refusal.Reason);
        var finding = await Provider.FindImageAsync(new ImageQuery(image), Ct);
        Assert.False(finding.Accessible);
        Assert.NotNull(finding.Message);
    }

    [Fact]
    public async Task FindsAnImage()
    {
        var finding = await Provider.FindImageAsync(new ImageQuery(Image), Ct);
        Assert.True(finding.Accessible);
    }

    protected StartOrder Order(string behaviour, Func<SessionSpec, SessionSpec>? change = null, int generation = 1)
    {
        var spec = new SessionSpec { Image = Image, Command = [behaviour], Resources = new SessionResources(0.5, 256L << 20, 0, GpuRequest.None) };
        return Make(new SessionKey(Ulid.New(TimeProvider.System), generation), change?.Invoke(spec) ?? spec);
    }

    /// <summary>Another start of the same session.</summary>
    protected static StartOrder Again(StartOrder order, string behaviour, int generation) =>
        Make(order.Key with { Generation = generation }, order.Spec with { Command = [behaviour] });

    protected Task StartAsync(StartOrder order) => Provider.StartAsync(order, new Heard(), Ct);

    protected async Task<Observation> SeenAsync(SessionKey key, ForeignState state)
    {
        Observation? seen = null;
        await Eventually.TrueAsync(
            async () => (seen = (await AllAsync()).FirstOrDefault(o => o.Key == key))?.State == state, $"{key} is {state}", TimeSpan.FromSeconds(30));
        return seen!;
    }

    /// <summary>What a session said that ended with success.</summary>
    protected async Task<string> SaidAsync(SessionKey key)
    {
        var end = await SeenAsync(key, ForeignState.Exited);
        Assert.True(end.ExitCode == 0, $"exit code {end.ExitCode}: {end.LastWords}");
        return end.LastWords ?? "";
    }

    protected Task<List<Observation>> AllAsync() => AllAsync(Provider);

    private static async Task<List<Observation>> AllAsync(ISessionProvider provider)
    {
        var all = new List<Observation>();
        await foreach (var observation in provider.ObserveAsync(Ct))
            all.Add(observation);
        return all;
    }

    private static StartOrder Make(SessionKey key, SessionSpec spec) =>
        new(
            key,
            spec,
            new AgentOrder
            {
                SessionId = key.SessionId,
                Generation = key.Generation,
                Server = "unix:/berth-session/agent.sock",
                MountDirectory = spec.MountDirectory,
                Port = spec.Port,
                GraceSeconds = 2,
            },
            "secret-of-the-agent",
            new Dictionary<string, string> { ["io.berth.name"] = "a test" });

    /// <summary>Keeps every report; <see cref="Progress{T}"/> would deliver them some time later.</summary>
    protected sealed class Heard : IProgress<StageReport>
    {
        private readonly ConcurrentQueue<StageReport> reports = new();

        public IReadOnlyCollection<StageReport> Reports => reports;

        public void Report(StageReport value) => reports.Enqueue(value);
    }
}
