namespace Berth.Server.Proxy;

/// <summary>Short answers for programs.</summary>
public static class Answers
{
    /// <summary>One line of plain text.</summary>
    public static Task TextAsync(HttpContext context, int status, string line, int? retryAfterSeconds = null)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "text/plain; charset=utf-8";
        context.Response.Headers.CacheControl = "no-store";
        if (retryAfterSeconds is { } seconds)
            context.Response.Headers.RetryAfter = seconds.ToString();
        return context.Response.WriteAsync(line + "\n", context.RequestAborted);
    }
}
