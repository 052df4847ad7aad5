using Berth.Core.Providers;
using Berth.Core.Sessions;

namespace Berth.Node;

/// <summary>
/// The machine's own provider, and what a node adds to it: a socket for each session's agent, and that nothing of the
/// machine's own files is given to sessions, whatever the server says.
/// </summary>
internal sealed class LocalSessions(ISessionProvider provider, SessionSockets sockets) : ISessionProvider, IChangeSource, IWorkspaceSizes, IWorkspaceList
{
    public Task<ImageFinding> FindImageAsync(ImageQuery query, CancellationToken ct) => provider.FindImageAsync(query, ct);

    public Task StartAsync(StartOrder order, IProgress<StageReport> progress, CancellationToken ct)
    {
        if (order.Spec.HostFolder is { } folder)
            throw new ProviderException(Reason.Refused, $"the folder {folder.Path} is the server's, and this is another machine.");
        if (order.Spec.Repositories.FirstOrDefault(r => r.IsLocal) is { } local)
            throw new ProviderException(Reason.Refused, $"the repository {local.Url} is a folder of the server's machine, and this is another one.");
        sockets.Open(order.Key.SessionId);
        return provider.StartAsync(order, progress, ct);
    }

    public IAsyncEnumerable<Observation> ObserveAsync(CancellationToken ct) => provider.ObserveAsync(ct);

    public async Task StopAsync(SessionKey key, StopMode mode, CancellationToken ct)
    {
        await provider.StopAsync(key, mode, ct);
        // A later start of it may be here: while its order is, so is the socket.
        sockets.CloseUnlessOrdered(key.SessionId);
    }

    public IAsyncEnumerable<SessionKey> WatchAsync(CancellationToken ct) => ((IChangeSource)provider).WatchAsync(ct);

    public Task<IReadOnlyDictionary<string, long>> MeasureAsync(CancellationToken ct) => ((IWorkspaceSizes)provider).MeasureAsync(ct);

    public Task<IReadOnlyList<KeptWorkspace>> ListWorkspacesAsync(CancellationToken ct) => ((IWorkspaceList)provider).ListWorkspacesAsync(ct);
}
