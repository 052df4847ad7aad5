using System.Text.Json.Serialization;
using Berth.Contracts.Json;

namespace Berth.Contracts.Problems;

/// <summary>Body of every refusal. The shape is Renku's: <c>{"error":{"code","message","detail","trace_id"}}</c>.</summary>
/// <param name="Error">What went wrong.</param>
public sealed record ProblemBody(ProblemDetail Error);

/// <summary>One refusal.</summary>
/// <param name="Code">1000 + the HTTP status (Renku's convention).</param>
/// <param name="Message">A sentence for a person: the thing, the reason, the next step.</param>
/// <param name="Kind">Berth's own, stable name of the refusal; see <see cref="ProblemCode"/>. Clients branch on it.</param>
/// <param name="Field">The field that was refused, as a JSON path such as <c>classes[0].cpu</c>; null when it is not about one field.</param>
/// <param name="Detail">More for whoever has to mend it; never a secret.</param>
/// <param name="TraceId">Finds the request in the server's log.</param>
public sealed record ProblemDetail(
    int Code, string Message, ProblemCode Kind = ProblemCode.Invalid, string? Field = null, string? Detail = null, string? TraceId = null);

/// <summary>Why a request was refused. The HTTP status follows from it: <see cref="ProblemCodes.Status"/>.</summary>
[JsonConverter(typeof(SnakeCaseEnum<ProblemCode>))]
public enum ProblemCode
{
    /// <summary>A field is unknown, ill-typed or out of range (422).</summary>
    Invalid,
    /// <summary>Nobody is signed in, or the token is wrong, expired or revoked (401).</summary>
    SignInNeeded,
    /// <summary>Signed in, may see the thing, may not do this (403).</summary>
    Forbidden,
    /// <summary>It does not exist, or the caller may not know that it does (404).</summary>
    NotFound,
    /// <summary>The thing is in a state, or a name is taken, so that this cannot be done now (409).</summary>
    Conflict,
    /// <summary>The quota of a pool or a user is spent (422, as in Renku).</summary>
    QuotaExceeded,
    /// <summary>The compute asked for is not there or not reachable (422).</summary>
    NoCapacity,
    /// <summary>PATCH needs an <c>If-Match</c> header (428).</summary>
    PreconditionRequired,
    /// <summary>The thing has changed since it was read (409, as in Renku).</summary>
    Stale,
    /// <summary>Too many requests; <c>Retry-After</c> says when (429).</summary>
    TooManyRequests,
    /// <summary>A part of the server that is needed is not there now (503).</summary>
    Unavailable,
    /// <summary>A fault of the server itself (500).</summary>
    Internal,
}

/// <summary>The one table from refusal to HTTP status.</summary>
public static class ProblemCodes
{
    /// <summary>HTTP status of a refusal.</summary>
    public static int Status(this ProblemCode code) => code switch
    {
        ProblemCode.SignInNeeded => 401,
        ProblemCode.Forbidden => 403,
        ProblemCode.NotFound => 404,
        ProblemCode.Conflict or ProblemCode.Stale => 409,
        ProblemCode.Invalid or ProblemCode.QuotaExceeded or ProblemCode.NoCapacity => 422,
        ProblemCode.PreconditionRequired => 428,
        ProblemCode.TooManyRequests => 429,
        ProblemCode.Unavailable => 503,
        _ => 500,
    };
}
