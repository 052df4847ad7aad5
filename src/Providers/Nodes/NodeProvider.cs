using System.Runtime.CompilerServices;
using Berth.Core.Providers;
using Berth.Core.Sessions;

namespace Berth.Providers.Nodes;

/// <summary>
/// The server's end: sessions on one machine that joined. Each call is a stream of its own; the machine's engine is never
/// reached from here, only asked for what the provider contract knows.
/// </summary>
public sealed class NodeProvider(NodeLink link) : ISessionProvider, IChangeSource, IWorkspaceSizes, IWorkspaceList, IMayBeAway
{
    /// <inheritdoc/>
    public Absence? Absence => link.Absence;

    /// <inheritdoc/>
    public bool IsConnected => link.IsConnected;

    /// <inheritdoc/>
    public Task ConnectedAsync(CancellationToken ct) => link.ConnectedAsync(ct);

    /// <inheritdoc/>
    public async Task<ImageFinding> FindImageAsync(ImageQuery query, CancellationToken ct)
    {
        ImageFinding? found = null;
        await foreach (var answer in CallAsync(new NodeCall.FindImage(query), ct))
            found = (answer as NodeAnswer.Found)?.Finding ?? found;
        return found ?? throw link.Broken("it did not say what it found");
    }

    /// <inheritdoc/>
    public async Task StartAsync(StartOrder order, IProgress<StageReport> progress, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(progress);
        await foreach (var answer in CallAsync(new NodeCall.Start(order), ct))
        {
            if (answer is NodeAnswer.Progress(var report))
                progress.Report(report);
        }
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<Observation> ObserveAsync([EnumeratorCancellation] CancellationToken ct)
    {
        await foreach (var answer in CallAsync(new NodeCall.Observe(), ct))
        {
            if (answer is NodeAnswer.Seen(var observation))
                yield return observation with { Node = link.Name, Address = null };
        }
    }

    /// <inheritdoc/>
    public async Task StopAsync(SessionKey key, StopMode mode, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(mode);
        await foreach (var _ in CallAsync(new NodeCall.Stop(key, mode.Deletes, mode.Workspace), ct))
        {
            // Nothing is said on the way.
        }
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<SessionKey> WatchAsync([EnumeratorCancellation] CancellationToken ct)
    {
        if (!link.IsConnected)
        {
            await link.ConnectedAsync(ct);
            yield break; // It came (back): that is news of every session on it.
        }

        await foreach (var answer in CallAsync(new NodeCall.Watch(), ct))
        {
            if (answer is NodeAnswer.Changed(var key))
                yield return key;
        }
    }

    /// <inheritdoc/>
    public async Task<IReadOnlyDictionary<string, long>> MeasureAsync(CancellationToken ct)
    {
        IReadOnlyDictionary<string, long>? sizes = null;
        await foreach (var answer in CallAsync(new NodeCall.Measure(), ct))
            sizes = (answer as NodeAnswer.Measured)?.Sizes ?? sizes;
        return sizes ?? throw link.Broken("it did not say what it measured");
    }

    /// <inheritdoc/>
    public async Task<IReadOnlyList<KeptWorkspace>> ListWorkspacesAsync(CancellationToken ct)
    {
        var kept = new List<KeptWorkspace>();
        await foreach (var answer in CallAsync(new NodeCall.ListWorkspaces(), ct))
        {
            if (answer is NodeAnswer.Kept(var workspace))
                kept.Add(workspace);
        }

        return kept;
    }

    /// <summary>All answers but the last, which is the end of the enumeration or an exception.</summary>
    private async IAsyncEnumerable<NodeAnswer> CallAsync(NodeCall call, [EnumeratorCancellation] CancellationToken ct)
    {
        await using var question = await NodeQuestion.AskAsync(link, call, ct);
        while (true)
        {
            switch (await question.HearAsync())
            {
                case NodeAnswer.Done:
                    yield break;
                case NodeAnswer.Failed(var reason, var detail):
                    throw new ProviderException(Enum.TryParse<Reason>(reason, out var known) ? known : Reason.Refused, detail);
                case var answer:
                    yield return answer;
                    break;
            }
        }
    }
}
