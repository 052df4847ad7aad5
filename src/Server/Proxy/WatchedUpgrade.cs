using System.Runtime.CompilerServices;
using Microsoft.AspNetCore.Http.Features;

namespace Berth.Server.Proxy;

/// <summary>The upgrade to a WebSocket, with a look at what the visitor sends, and pings where nobody says anything.</summary>
internal sealed class WatchedUpgrade(IHttpUpgradeFeature upgrade, InputWatch.Input input, TimeSpan pingEvery, TimeProvider clock) : IHttpUpgradeFeature
{
    public bool IsUpgradableRequest => upgrade.IsUpgradableRequest;

    public async Task<Stream> UpgradeAsync()
    {
        var visitor = await upgrade.UpgradeAsync();
        return new Watched(visitor, new InputFrames(input, clock), new QuietPings(visitor, pingEvery, clock));
    }

    private sealed class Watched(Stream visitor, InputFrames frames, QuietPings pings) : PassingStream(visitor)
    {
        [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            var count = await Inner.ReadAsync(buffer, cancellationToken);
            frames.See(buffer.Span[..count]);
            return count;
        }

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) =>
            pings.WriteAsync(buffer, cancellationToken);

        protected override void Dispose(bool disposing)
        {
            if (disposing)
                pings.Dispose();
            base.Dispose(disposing);
        }
    }
}
