using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using Berth.Core.Providers;
using Berth.Core.Sessions;
using Berth.Providers.SessionFolders;

namespace Berth.Providers.Docker;

/// <summary>
/// Sessions as containers of an engine that speaks Docker's API, on this machine. The engine may be away and come back at
/// any time: each verb looks for it anew where the last one found it silent.
/// </summary>
public sealed class DockerProvider : ISessionProvider, IChangeSource, IWorkspaceSizes, IWorkspaceList, IDisposable
{
    /// <summary>Events after which a session may have changed.</summary>
    private static readonly string[] Changes = ["create", "start", "die", "oom", "pause", "unpause", "destroy"];

    private static readonly TimeSpan NameTaken = TimeSpan.FromSeconds(30), NameTakenPause = TimeSpan.FromMilliseconds(50);

    private readonly TimeProvider time;
    private readonly EngineFinder finder;
    private readonly DockerLabels labels;
    private readonly SessionFolder folder;
    private readonly SessionNotes notes;
    private readonly SessionNetwork network;
    private readonly Workspace workspace;
    private readonly ContainerPlan plan;
    private readonly RegistryClient registries;
    private readonly SessionImages images;
    private readonly ImageUser users = new();
    private readonly SemaphoreSlim finding = new(1);
    private readonly ConcurrentDictionary<string, Ended> ended = new();

    // The engine tells of a death before its list shows it: these are asked about one by one.
    private readonly ConcurrentDictionary<string, byte> dying = new();
    private DockerClient? engine;

    /// <summary>Touches nothing yet: the engine is looked for at the first verb.</summary>
    public DockerProvider(DockerOptions options, TimeProvider time)
    {
        this.time = time;
        finder = new EngineFinder(options.Engine, Environment.GetEnvironmentVariable, time);
        labels = new DockerLabels(options.InstallationId);
        folder = new SessionFolder(options.SessionsFolder);
        notes = new SessionNotes(folder);
        network = new SessionNetwork(labels, time);
        workspace = new Workspace(labels, notes, time);
        plan = new ContainerPlan(options, labels, folder);
        registries = new RegistryClient(time);
        images = new SessionImages(registries, new PrivateImages(options.ImagesFolder), notes, time);
    }

    /// <summary>What keeps sessions from being shut off as they should be, each with what to type; known after the first start.</summary>
    public IReadOnlyList<string> Warnings => network.Warnings;

    /// <summary>The same before the first start, too, as far as it can be told then.</summary>
    /// <exception cref="ProviderException">No engine answers.</exception>
    public async Task<IReadOnlyList<string>> ForeseeWarningsAsync(CancellationToken ct) => await network.ForeseeAsync(await EngineAsync(ct), ct);

    /// <summary>The engine that answered last; null: none was asked yet.</summary>
    public EngineInfo? LastEngine => engine?.Info;

    /// <summary>The engine that answers now.</summary>
    /// <exception cref="ProviderException">None does.</exception>
    public async Task<EngineInfo> GetEngineAsync(CancellationToken ct) => (await EngineAsync(ct)).Info;

    /// <inheritdoc/>
    public async Task<ImageFinding> FindImageAsync(ImageQuery query, CancellationToken ct)
    {
        var client = await EngineAsync(ct);
        try
        {
            var name = ImageName.Parse(query.Image);
            var found = await images.LookAsync(client, name, query.Access ?? ImageAccess.Anonymous, ct);
            return !found.Accessible || found.Platforms.Count == 0 || found.Platforms.Any(p => ContainerPlan.Runs(p, client.Info.Platform))
                ? found
                : found with
                {
                    Accessible = false,
                    Message = $"{name} is for {string.Join(", ", found.Platforms)}, and this machine is {client.Info.Platform}.",
                };
        }
        catch (ProviderException e) when (e.Reason != Reason.EngineUnreachable)
        {
            return new ImageFinding(false, false, [], e.Reason.Sentence(e.Message));
        }
    }

    /// <inheritdoc/>
    // 1. what does not depend on one another: the image, fetched where it is not here; other starts of the session; the network
    // 2. refuse what cannot run here
    // 3. the session's files, what image it got among them, and its volume
    // 4. make the container; one of this name is an earlier try of the same order
    // 5. refuse what would hang the engine; give the volume to the session's user; start
    public async Task StartAsync(StartOrder order, IProgress<StageReport> progress, CancellationToken ct)
    {
        var (key, spec) = (order.Key, order.Spec);
        var client = await EngineAsync(ct);

        // 1.
        var choosing = images.FindAsync(client, order, progress, ct);
        await Task.WhenAll(choosing, SettleOthersAsync(client, key, ct), network.EnsureAsync(client, ct));

        // 2.
        var (image, pin) = await choosing;
        plan.Check(spec, image, client.Info);

        // 3.
        folder.Write(ContainerPlan.Complete(order.Agent, spec, image), order.AgentToken);
        notes.SetPin(key.SessionId, pin);
        var volume = spec.HostFolder is null ? await workspace.EnsureAsync(client, order, ct) : null;

        // 4.
        if (!await MakeAsync(client, key, plan.Create(order, image, client.Info, network.Name), ct))
            return;

        // 5.
        try
        {
            await users.CheckAsync(image.Id, path => client.StatAsync(key.ForeignName, path, ct));
            if (volume is not null && await OwnerAsync(client, key, spec, image, ct) is { } owner)
                await workspace.OwnAsync(client, key, volume, spec.MountDirectory, owner, ct);
            await client.StartContainerAsync(key.ForeignName, ct);
        }
        catch (ProviderException e) when (e.Reason != Reason.EngineUnreachable)
        {
            await client.RemoveContainerAsync(key.ForeignName, CancellationToken.None); // it will not start, ever
            throw;
        }
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<Observation> ObserveAsync([EnumeratorCancellation] CancellationToken ct)
    {
        var client = await EngineAsync(ct);
        var containers = await client.ListContainersAsync([labels.Ours], ct);
        if (containers.Length > 0)
            await network.KeepAsync(client, ct);
        foreach (var gone in ended.Keys.Concat(dying.Keys).Except(containers.Select(c => c.Id)))
        {
            ended.TryRemove(gone, out _);
            dying.TryRemove(gone, out _);
        }

        foreach (var container in containers)
        {
            if (!labels.TryReadKey(container.Labels, out var key))
                continue;
            var state = DockerStates.State(container.State);
            var observation = new Observation(key, state, container.State) { Node = client.Info.Name };
            var saidToDie = dying.TryRemove(container.Id, out _);
            if (state != ForeignState.Exited && !saidToDie)
            {
                ended.TryRemove(container.Id, out _); // somebody may have started it again by hand
                yield return observation with { Address = network.AddressOf(client.Info, container) };
            }
            else if (await EndAsync(client, container.Id, ct) is { } end)
            {
                yield return observation with
                {
                    State = ForeignState.Exited,
                    Words = end.Words,
                    ExitCode = end.ExitCode,
                    OutOfMemory = end.OutOfMemory,
                    LastWords = end.LastWords,
                };
            }
            else if (state != ForeignState.Exited) // else it was removed just now
            {
                yield return observation with { Address = network.AddressOf(client.Info, container) };
            }
        }
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<SessionKey> WatchAsync([EnumeratorCancellation] CancellationToken ct)
    {
        var client = await EngineAsync(ct);

        // The engine answers before it listens: what happened in between is asked for, too.
        var since = time.GetUtcNow().AddSeconds(-2);
        await foreach (var change in client.EventsAsync(labels.Ours, Changes, since, ct))
        {
            if (!labels.TryReadKey(change.Actor?.Attributes, out var key))
                continue;
            if (change is { Action: "die", Actor.Id: { } id })
                dying[id] = 0;
            yield return key;
        }
    }

    /// <inheritdoc/>
    public async Task StopAsync(SessionKey key, StopMode mode, CancellationToken ct)
    {
        var client = await EngineAsync(ct);
        var container = await client.InspectContainerAsync(key.ForeignName, ct);
        if (container is not null && labels.AreOurs(container.Config.Labels))
        {
            if (DockerStates.State(container.State.Status) == ForeignState.Running)
                await client.StopContainerAsync(container.Id, ct);
            await client.RemoveContainerAsync(container.Id, ct);
        }

        folder.Remove(key);
        if (!mode.Deletes)
            return;
        await workspace.DeleteAsync(client, mode.Workspace ?? key.SessionId, ct);
        notes.Forget(key.SessionId);
    }

    /// <inheritdoc/>
    public async Task<IReadOnlyDictionary<string, long>> MeasureAsync(CancellationToken ct) => await workspace.MeasureAsync(await EngineAsync(ct), ct);

    /// <inheritdoc/>
    public async Task<IReadOnlyList<KeptWorkspace>> ListWorkspacesAsync(CancellationToken ct) => await workspace.ListAsync(await EngineAsync(ct), ct);

    /// <summary>Gives back the network and its rules when the installation is given up. No session may run.</summary>
    public async Task RemoveNetworkAsync(CancellationToken ct) => await network.RemoveAsync(await EngineAsync(ct), ct);

    /// <inheritdoc/>
    public void Dispose()
    {
        engine?.Dispose();
        network.Dispose();
        registries.Dispose();
        finding.Dispose();
    }

    private async Task<DockerClient> EngineAsync(CancellationToken ct)
    {
        if (engine is { IsLost: false } known)
            return known;
        await finding.WaitAsync(ct);
        try
        {
            // A lost client is left to the collector: others may still be waiting for its answers.
            return engine is { IsLost: false } found ? found : engine = await finder.FindAsync(ct);
        }
        finally
        {
            finding.Release();
        }
    }

    /// <summary>An older start is ended: no two may share a workspace. Beside a newer one, this one is refused.</summary>
    private async Task SettleOthersAsync(DockerClient client, SessionKey key, CancellationToken ct)
    {
        foreach (var container in await client.ListContainersAsync([labels.Ours, $"{DockerLabels.Session}={key.SessionId}"], ct))
        {
            if (!labels.TryReadKey(container.Labels, out var other) || other.Generation == key.Generation)
                continue;
            if (other.Generation > key.Generation)
                throw new ProviderException(Reason.Refused, $"start {key.Generation} of the session is over: start {other.Generation} is there.");
            await StopAsync(other, StopMode.KeepWorkspace, ct);
        }
    }

    /// <summary>Makes the container, or finds it made. False where it was started already, too.</summary>
    private async Task<bool> MakeAsync(DockerClient client, SessionKey key, CreateContainer container, CancellationToken ct)
    {
        for (var begun = time.GetTimestamp(); time.GetElapsedTime(begun) < NameTaken; await Task.Delay(NameTakenPause, time, ct))
        {
            if (await client.CreateContainerAsync(key.ForeignName, container, ct))
                return true;
            if (await client.InspectContainerAsync(key.ForeignName, ct) is not { } found)
                continue; // a name is taken before its container can be seen, and a little after it is gone: no event tells
            return labels.TryReadKey(found.Config.Labels, out var owner) && owner == key
                ? DockerStates.State(found.State.Status) == ForeignState.Created
                : throw new ProviderException(Reason.Refused, $"there is a container {key.ForeignName} that is not this installation's; remove or rename it.");
        }

        throw new ProviderException(Reason.Refused, $"the name {key.ForeignName} stays taken by a container that the engine does not show.");
    }

    private Task<Owner?> OwnerAsync(DockerClient client, SessionKey key, SessionSpec spec, ImageReply image, CancellationToken ct) =>
        users.ResolveAsync(image.Id, ContainerPlan.UserOf(spec, image), () => client.ReadFileAsync(key.ForeignName, "/etc/passwd", ct));

    private async Task<Ended?> EndAsync(DockerClient client, string id, CancellationToken ct)
    {
        if (ended.TryGetValue(id, out var known))
            return known;
        var container = await client.InspectContainerAsync(id, ct);
        if (container is null || DockerStates.State(container.State.Status) != ForeignState.Exited)
            return null;
        var words = await LastWords.OfAsync(client, id, ct);
        return ended[id] = new Ended(container.State.Status, container.State.ExitCode, container.State.OomKilled, words);
    }

    private sealed record Ended(string Words, int ExitCode, bool OutOfMemory, string? LastWords);
}
