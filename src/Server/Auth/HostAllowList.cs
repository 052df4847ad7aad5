using Berth.Contracts.Problems;
using Berth.Server.Options;
using Berth.Server.Problems;

namespace Berth.Server.Auth;

/// <summary>
/// Answers only to the server's own names: a page of another site that lets its name point here must not be served as if
/// it were ours (DNS rebinding). Sessions' own hosts never come this far.
/// </summary>
public sealed class HostAllowList(RequestDelegate next, PublicAddress address)
{
    public Task InvokeAsync(HttpContext context)
    {
        var host = context.Request.Host.Host;
        if (host is "localhost" or "127.0.0.1" or "[::1]" || host.Equals(address.Url.Host, StringComparison.OrdinalIgnoreCase)
            || context.Features.Get<LocalPeer>() is not null)
            return next(context);
        throw new ProblemException(ProblemCode.NotFound, $"This server is not called '{host}'. Its address is {address.Origin}.");
    }
}
