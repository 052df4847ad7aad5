using System.Runtime.CompilerServices;
using Berth.Core.Providers;
using Berth.Core.Sessions;

namespace Berth.Server.Queues;

/// <summary>
/// Where sessions are that have no machine (yet). Nothing is there, so nothing is ever seen, and all that is to be stopped
/// is stopped. It lets one loop look after their deadlines as after everybody's.
/// </summary>
internal sealed class NoCompute : ISessionProvider
{
    public Task<ImageFinding> FindImageAsync(ImageQuery query, CancellationToken ct) =>
        Task.FromResult(new ImageFinding(false, false, [], "It is looked for on the machine that the session is given."));

    public Task StartAsync(StartOrder order, IProgress<StageReport> progress, CancellationToken ct) =>
        throw new ProviderException(Reason.NoProvider, "it has no machine.");

    public async IAsyncEnumerable<Observation> ObserveAsync([EnumeratorCancellation] CancellationToken ct)
    {
        await Task.CompletedTask;
        yield break;
    }

    public Task StopAsync(SessionKey key, StopMode mode, CancellationToken ct) => Task.CompletedTask;
}
