using System.Globalization;
using System.Threading.RateLimiting;
using Berth.Contracts.Problems;
using Berth.Server.Options;
using Berth.Server.Problems;

namespace Berth.Server.Auth;

/// <summary>
/// How many requests a caller may make: so many that nobody's work comes near, and so few that one caller's loop leaves
/// the others room. Each has a bucket of their own: a user, an address without a user. Who runs the server is not held back,
/// and what goes to sessions or comes from their agents does not come this way.
/// </summary>
public static class RequestLimits
{
    // What a page with many parts, or a script that begins, may take at once.
    private const int BurstSeconds = 4;

    public static IServiceCollection AddRequestLimits(this IServiceCollection services, ServerOptions options) => services.AddRateLimiter(limiter =>
    {
        limiter.GlobalLimiter = PartitionedRateLimiter.Create<HttpContext, string>(context =>
            options.RequestsPerSecond == 0 || Key(context) is not { } key
                ? RateLimitPartition.GetNoLimiter("")
                : RateLimitPartition.GetTokenBucketLimiter(key, _ => new TokenBucketRateLimiterOptions
                {
                    TokensPerPeriod = options.RequestsPerSecond,
                    ReplenishmentPeriod = TimeSpan.FromSeconds(1),
                    TokenLimit = options.RequestsPerSecond * BurstSeconds,
                    QueueLimit = 0,
                }));
        limiter.OnRejected = (rejected, _) => throw new ProblemException(
            ProblemCode.TooManyRequests,
            string.Create(CultureInfo.InvariantCulture, $"That is more than {options.RequestsPerSecond} requests a second. Wait a moment, and ask less often."))
        {
            RetryAfter = rejected.Lease.TryGetMetadata(MetadataName.RetryAfter, out var wait) ? wait : TimeSpan.FromSeconds(1),
        };
    });

    private static string? Key(HttpContext context) => context.FindCaller() switch
    {
        { IsLocal: true } => null,
        { UserId: var user } => $"user {user}",
        null => $"address {RecentCounts.Place(context.Connection.RemoteIpAddress)}",
    };
}
