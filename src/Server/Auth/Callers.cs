using System.Net;
using Berth.Contracts.Problems;
using Berth.Server.Problems;

namespace Berth.Server.Auth;

/// <summary>Who makes a request: by the local socket, an API token or a browser's cookie, in this order.</summary>
public sealed class Callers(LocalOwner owner, ApiTokens tokens, SignIns signIns, LiveCallers live, Expiries expiries)
{
    private const string Bearer = "Bearer ";

    /// <summary>Null: nobody who is known.</summary>
    public async Task<Caller?> FindAsync(HttpContext context)
    {
        var ct = context.RequestAborted;
        // A header names a caller of its own choice: then it counts, and nothing else.
        if (context.Request.Headers.Authorization.ToString() is { Length: > 0 } header)
            return header.StartsWith(Bearer, StringComparison.OrdinalIgnoreCase) ? await tokens.FindAsync(header[Bearer.Length..].Trim(), Address(context), ct) : null;
        if (context.Features.Get<LocalPeer>() is not null)
            return await owner.CallerAsync(ct);
        return await signIns.FindAsync(context, ct);
    }

    /// <summary>For a request that stays open: cancelled when the caller's sign-in or token ends, by its time or before.</summary>
    /// <exception cref="ProblemException">It has ended already.</exception>
    public async Task<CancellationToken> HoldAsync(HttpContext context, Caller caller)
    {
        ArgumentNullException.ThrowIfNull(caller);
        var cut = live.Token(caller);
        // Between finding the caller and taking the token it may have ended; whoever ends it forgets first and cuts then.
        if (caller.ProofId is not null && (await FindAsync(context))?.ProofId != caller.ProofId)
            throw new ProblemException(ProblemCode.SignInNeeded, "Sign in again: this sign-in has ended.");
        // Sign-ins are watched from their beginning.
        if (caller is { TokenId: { } token, ExpiresAt: { } at })
            expiries.Watch(token, at.ToUnixTimeMilliseconds());
        return cut;
    }

    private static IPAddress? Address(HttpContext context) => context.Features.Get<LocalPeer>() is null ? context.Connection.RemoteIpAddress : null;
}
