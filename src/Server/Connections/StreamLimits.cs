using System.Threading.RateLimiting;
using Berth.Contracts.Problems;
using Berth.Server.Options;
using Berth.Server.Problems;

namespace Berth.Server.Connections;

/// <summary>How many streams a session and a user have open here, and how fast those of a session are: so that one greedy user does not slow the others.</summary>
public sealed class StreamLimits(ServerOptions options)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, int> _ofUser = [];
    private readonly Dictionary<string, SessionShare> _ofSession = new(StringComparer.OrdinalIgnoreCase);

    private sealed class SessionShare(RateLimiter? limiter)
    {
        public int Count { get; set; }

        public RateLimiter? Limiter => limiter;
    }

    /// <summary>Takes a place; dispose it when the stream is over.</summary>
    /// <exception cref="ProblemException">There is none.</exception>
    public Place Take(string sessionId, string userId)
    {
        lock (_lock)
        {
            var share = _ofSession.GetValueOrDefault(sessionId);
            var user = _ofUser.GetValueOrDefault(userId);
            if (share?.Count >= options.StreamsPerSession)
                throw Full($"The session has {share.Count} connections open, which is the most.", "streams_per_session");
            if (user >= options.StreamsPerUser)
                throw Full($"You have {user} connections to sessions open, which is the most.", "streams_per_user");
            _ofUser[userId] = user + 1;
            _ofSession[sessionId] = share ??= new SessionShare(Limiter());
            share.Count++;
            return new Place(this, sessionId, userId, share.Limiter);
        }
    }

    private static ProblemException Full(string what, string setting) =>
        new(ProblemCode.QuotaExceeded, $"{what} Close some, or have {setting} raised on the server.");

    private TokenBucketRateLimiter? Limiter() => options.StreamBytesPerSecond == 0 ? null : new TokenBucketRateLimiter(new TokenBucketRateLimiterOptions
    {
        TokensPerPeriod = Math.Max(1, options.StreamBytesPerSecond / 20),
        ReplenishmentPeriod = TimeSpan.FromMilliseconds(50),
        // At least what one read may yield.
        TokenLimit = Math.Max(options.StreamBytesPerSecond, Place.LargestRead),
        QueueLimit = int.MaxValue,
        QueueProcessingOrder = QueueProcessingOrder.OldestFirst,
    });

    private void Leave(string sessionId, string userId)
    {
        lock (_lock)
        {
            if (--_ofUser[userId] == 0)
                _ofUser.Remove(userId);
            var share = _ofSession[sessionId];
            if (--share.Count > 0)
                return;
            _ofSession.Remove(sessionId);
            share.Limiter?.Dispose();
        }
    }

    /// <summary>One stream's place.</summary>
    public sealed class Place(StreamLimits limits, string sessionId, string userId, RateLimiter? limiter) : IDisposable
    {
        internal const int LargestRead = 256 * 1024;

        private int _left;

        /// <summary>Waits until so many bytes more may pass.</summary>
        public async ValueTask PassAsync(int bytes, CancellationToken ct)
        {
            if (limiter is not null)
                (await limiter.AcquireAsync(bytes, ct)).Dispose();
        }

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _left, 1) == 0)
                limits.Leave(sessionId, userId);
        }
    }
}
