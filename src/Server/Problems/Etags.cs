using Berth.Contracts.Problems;

namespace Berth.Server.Problems;

/// <summary>Keeps one editor from undoing what another did meanwhile.</summary>
internal static class Etags
{
    /// <exception cref="ProblemException">The header is missing, or what it names has changed.</exception>
    public static void Require(string? ifMatch, string etag, string what)
    {
        if (string.IsNullOrWhiteSpace(ifMatch))
            throw new ProblemException(ProblemCode.PreconditionRequired, $"Send the etag of {what} as you have read it, in the header If-Match.");
        var sent = ifMatch.Trim();
        if (sent != "*" && sent.Split(',').All(one => one.Trim().Trim('"') != etag))
            throw new ProblemException(ProblemCode.Stale, $"Somebody else has changed {what} since you read it: read it again, then repeat your change.");
    }

    /// <summary>As HTTP writes it.</summary>
    public static string Quote(string etag) => $"\"{etag}\"";
}
