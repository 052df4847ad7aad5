using Berth.Core.Ids;
using Berth.Core.Providers;
using Berth.Core.Sessions;

namespace Berth.Node;

/// <summary>
/// The machine's own provider, and what a node adds to it: a socket for each session's agent, a look at the gpus before they
/// are given out, and that no folder of the machine is given to sessions or taken for theirs, whatever the server says.
/// </summary>
/// <param name="provider">Runs them.</param>
/// <param name="sockets">For their agents.</param>
/// <param name="gpus">The machine's.</param>
/// <param name="changed">Told when what is free may be other than before.</param>
internal sealed class LocalSessions(ISessionProvider provider, SessionSockets sockets, Gpus gpus, Action changed) : ISessionProvider, IChangeSource, IWorkspaceSizes, IWorkspaceList
{
    public Task<ImageFinding> FindImageAsync(ImageQuery query, CancellationToken ct) => provider.FindImageAsync(query, ct);

    public async Task StartAsync(StartOrder order, IProgress<StageReport> progress, CancellationToken ct)
    {
        Check(order.Key, order.Workspace);
        if (order.Agent.SessionId != order.Key.SessionId || order.Agent.Generation != order.Key.Generation)
            throw new ProviderException(Reason.Refused, $"the order is of another start than {order.Key}.");
        if (order.Spec.HostFolder is { } folder)
            throw new ProviderException(Reason.Refused, $"the folder {folder.Path} is the server's, and this is another machine.");
        if (order.Spec.Repositories.FirstOrDefault(r => r.IsLocal) is { } local)
            throw new ProviderException(Reason.Refused, $"the repository {local.Url} is a folder of the server's machine, and this is another one.");
        if (order.Spec.Resources.Gpu.Ids is { Count: > 0 } ids && !await IsHereAsync(order.Key, ct))
            await RequireFreeAsync(ids, ct);
        sockets.Open(order.Key.SessionId);
        await provider.StartAsync(order, progress, ct);
    }

    public IAsyncEnumerable<Observation> ObserveAsync(CancellationToken ct) => provider.ObserveAsync(ct);

    public async Task StopAsync(SessionKey key, StopMode mode, CancellationToken ct)
    {
        Check(key, mode.Workspace ?? key.SessionId);
        await provider.StopAsync(key, mode, ct);
        // A later start of it may be here: while its order is, so is the socket.
        sockets.CloseUnlessOrdered(key.SessionId);
        changed();
    }

    public IAsyncEnumerable<SessionKey> WatchAsync(CancellationToken ct) => ((IChangeSource)provider).WatchAsync(ct);

    public async Task<IReadOnlyDictionary<string, long>> MeasureAsync(CancellationToken ct)
    {
        var sizes = await ((IWorkspaceSizes)provider).MeasureAsync(ct);
        changed(); // what is counted as written is to be missing in what is told to be free
        return sizes;
    }

    public Task<IReadOnlyList<KeptWorkspace>> ListWorkspacesAsync(CancellationToken ct) => ((IWorkspaceList)provider).ListWorkspacesAsync(ct);

    // A start that is repeated may be using them itself.
    private async Task<bool> IsHereAsync(SessionKey key, CancellationToken ct)
    {
        await foreach (var seen in provider.ObserveAsync(ct))
        {
            if (seen.Key == key)
                return true;
        }

        return false;
    }

    private async Task RequireFreeAsync(IReadOnlyList<string> ids, CancellationToken ct)
    {
        try
        {
            await gpus.RequireFreeAsync(ids, ct);
        }
        catch (ProviderException)
        {
            changed(); // the server does not know yet
            throw;
        }
    }

    // Folders, volumes and containers are named after them: of another form, a name would lead to what is not Berth's.
    private static void Check(SessionKey key, string workspace)
    {
        if (new[] { key.SessionId, workspace }.FirstOrDefault(id => !Ulid.IsValid(id)) is { } wrong)
            throw new ProviderException(Reason.Refused, $"'{wrong}' is not the id of a session.");
        if (key.Generation < 1)
            throw new ProviderException(Reason.Refused, $"{key.Generation} is not the number of a start.");
    }
}
