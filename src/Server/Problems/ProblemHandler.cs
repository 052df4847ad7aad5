using System.Data.Common;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Berth.Contracts.Problems;
using Berth.Server.Storage;
using Microsoft.AspNetCore.Http.Features;

namespace Berth.Server.Problems;

/// <summary>
/// The one place where a refusal, a fault or an empty error status becomes an answer: the API's error body, or for a
/// browser that asked for a page, the page <see cref="ProblemPage"/>.
/// </summary>
public sealed class ProblemHandler(RequestDelegate next, ILogger<ProblemHandler> log)
{
    /// <summary>Pages may map this path; the problem is in <c>HttpContext.Items[typeof(ProblemDetail)]</c>.</summary>
    public const string ProblemPage = "/problem";

    public async Task InvokeAsync(HttpContext context)
    {
        try
        {
            await next(context);
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            return;
        }
        catch (Exception e) when (!context.Response.HasStarted)
        {
            await AnswerAsync(context, Explain(context, e));
            return;
        }

        if (context.Response is { HasStarted: false, StatusCode: >= 400, ContentLength: null, ContentType: null })
            await AnswerAsync(context, Explain(context, context.Response.StatusCode));
    }

    private (ProblemDetail Problem, int Status, TimeSpan? RetryAfter) Explain(HttpContext context, Exception e)
    {
        switch (e)
        {
            case ProblemException refusal:
                return Refusal(refusal.Code, refusal.Message, refusal.Field, refusal.RetryAfter);
            case JsonException json:
                var (at, what) = JsonFault.Explain(json);
                return Refusal(ProblemCode.Invalid, what, at);
            case BadHttpRequestException { InnerException: JsonException json }:
                var (field, message) = JsonFault.Explain(json);
                return Refusal(ProblemCode.Invalid, message, field);
            case BadHttpRequestException { StatusCode: StatusCodes.Status415UnsupportedMediaType }:
                return Explain(context, StatusCodes.Status415UnsupportedMediaType);
            case BadHttpRequestException { StatusCode: StatusCodes.Status413PayloadTooLarge }:
                return Explain(context, StatusCodes.Status413PayloadTooLarge);
            case BadHttpRequestException bad:
                return Refusal(ProblemCode.Invalid, Binding(context, bad));
            case InvalidOperationException half when JsonFault.IsHalfCharacter(half):
                return Refusal(ProblemCode.Invalid, "A text in the request holds half a character: \\ud800 to \\udfff come in pairs.");
            case DbException db when db.IsUnstorableText():
                return Refusal(ProblemCode.Invalid, "A text in the request holds a null character.");
            case DbException db when db.Trouble() is { } trouble:
                log.LogWarning("{Method} {Path} was refused, for the database is of no use: {Error}", context.Request.Method, context.Request.Path, db.Message);
                return Refusal(
                    ProblemCode.Unavailable, $"The server's database cannot do this now: {trouble}. Nothing was changed; try again in a moment.",
                    retryAfter: TimeSpan.FromSeconds(5));
            default:
                var trace = TraceId(context);
                log.LogError(e, "{Method} {Path} failed (trace id {TraceId})", context.Request.Method, context.Request.Path, trace);
                return Refusal(ProblemCode.Internal, $"The server has a fault and has written it to its log, under {trace}.");
        }
    }

    private static (ProblemDetail, int, TimeSpan?) Explain(HttpContext context, int status) => status switch
    {
        404 => Refusal(ProblemCode.NotFound, $"There is nothing at {context.Request.Path}."),
        405 => Status(status, $"{context.Request.Path} does not know the method {context.Request.Method}."),
        413 => Status(status, "The body is too large."),
        415 => Status(status, "The body must be JSON: send Content-Type: application/json."),
        401 => Refusal(ProblemCode.SignInNeeded, "Sign in first."),
        403 => Refusal(ProblemCode.Forbidden, "You may not do this."),
        >= 500 => Status(status, "The server cannot answer this now.", ProblemCode.Internal),
        _ => Status(status, "The request cannot be understood."),
    };

    private static (ProblemDetail, int, TimeSpan?) Refusal(ProblemCode code, string message, string? field = null, TimeSpan? retryAfter = null) =>
        (new ProblemDetail(1000 + code.Status(), message, code, field), code.Status(), retryAfter);

    private static (ProblemDetail, int, TimeSpan?) Status(int status, string message, ProblemCode kind = ProblemCode.Invalid) =>
        (new ProblemDetail(1000 + status, message, kind), status, null);

    private static string Binding(HttpContext context, BadHttpRequestException e)
    {
        // The framework names the parameter in quotes, after its type; only the name is for users.
        if (e.Message.Contains("no body was provided", StringComparison.Ordinal))
            return "A JSON body is needed.";
        var words = e.Message.Split('"');
        var name = words.Length > 1 ? words[1].Split(' ')[^1] : null;
        return name is not null && context.Request.Query.ContainsKey(name)
            ? $"{name}: '{context.Request.Query[name]}' is not allowed here."
            : "The request cannot be understood.";
    }

    private static async Task AnswerAsync(HttpContext context, (ProblemDetail Problem, int Status, TimeSpan? RetryAfter) answer)
    {
        var problem = answer.Problem with { TraceId = TraceId(context) };
        context.Response.StatusCode = answer.Status;
        if (answer.RetryAfter is { } wait)
            context.Response.Headers.RetryAfter = Math.Max(1, (int)Math.Ceiling(wait.TotalSeconds)).ToString(CultureInfo.InvariantCulture);
        if (WantsPage(context.Request) && await TryPageAsync(context, problem))
            return;
        context.Response.ContentType = "application/json; charset=utf-8";
        if (!HttpMethods.IsHead(context.Request.Method))
            await JsonSerializer.SerializeAsync(context.Response.Body, new ProblemBody(problem), JsonOfApi.Options, CancellationToken.None);
    }

    private static bool WantsPage(HttpRequest request) =>
        !request.Path.StartsWithSegments("/api") && request.Headers.Accept.ToString().Contains("text/html", StringComparison.Ordinal);

    /// <summary>Runs the endpoint of the problem page in place of the one that failed; false where no pages are mapped.</summary>
    private static async Task<bool> TryPageAsync(HttpContext context, ProblemDetail problem)
    {
        var page = context.RequestServices.GetRequiredService<EndpointDataSource>().Endpoints
            .OfType<RouteEndpoint>().FirstOrDefault(e => e.RoutePattern.RawText == ProblemPage);
        if (page?.RequestDelegate is null)
            return false;
        context.Items[typeof(ProblemDetail)] = problem;
        context.SetEndpoint(page);
        context.Request.RouteValues.Clear();
        var status = context.Response.StatusCode;
        await page.RequestDelegate(context);
        if (!context.Response.HasStarted)
            context.Response.StatusCode = status;
        return true;
    }

    private static string TraceId(HttpContext context) =>
        Activity.Current?.TraceId.ToString() ?? context.Features.Get<IHttpRequestIdentifierFeature>()?.TraceIdentifier ?? context.TraceIdentifier;
}
