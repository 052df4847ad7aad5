using Berth.Contracts.Problems;

namespace Berth.Server.Problems;

/// <summary>A refusal: thrown anywhere below an endpoint, turned into the API's error body by <see cref="ProblemHandler"/>.</summary>
/// <param name="code">Why; the HTTP status follows from it.</param>
/// <param name="message">A sentence for a person: the thing, the reason, the next step.</param>
/// <param name="field">JSON path of the field that was refused, such as <c>classes[0].cpu</c>.</param>
public sealed class ProblemException(ProblemCode code, string message, string? field = null) : Exception(message)
{
    public ProblemCode Code => code;

    public string? Field => @field;

    /// <summary>For <see cref="ProblemCode.TooManyRequests"/> and <see cref="ProblemCode.Unavailable"/>.</summary>
    public TimeSpan? RetryAfter { get; init; }
}
