using System.Net;
using Berth.Contracts.Problems;

namespace Berth.Contracts.Client;

/// <summary>The server refused a request.</summary>
public sealed class ApiException(HttpStatusCode status, ProblemDetail problem) : Exception(problem.Message)
{
    /// <summary>HTTP status of the answer.</summary>
    public HttpStatusCode Status { get; } = status;

    /// <summary>What the server said.</summary>
    public ProblemDetail Problem { get; } = problem;
}

/// <summary>The server did not answer: nothing listens, the connection was cut, or what answered is no Berth server.</summary>
public sealed class ServerUnreachableException(string message, Exception? inner = null) : Exception(message, inner);
