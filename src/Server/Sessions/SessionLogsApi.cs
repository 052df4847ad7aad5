using Berth.Contracts.Problems;
using Berth.Contracts.Sessions;
using Berth.Server.Auth;
using Berth.Server.Problems;
using Microsoft.AspNetCore.Mvc;

namespace Berth.Server.Sessions;

/// <summary>Logs of sessions, live and after their end.</summary>
public static class SessionLogsApi
{
    private const int DefaultLines = 250;
    private const int MostLines = 100_000;

    /// <summary>The last lines as text; with <paramref name="follow"/>, what comes after them as it comes, until the start of the session ends.</summary>
    public static async Task StreamAsync(
        string session, Caller caller, HttpContext context, Callers callers, SessionQueries queries, SessionLogs logs, IHostApplicationLifetime lifetime, CancellationToken ct,
        [FromQuery(Name = "max_lines")] int maxLines = DefaultLines, bool follow = false)
    {
        var found = await queries.RequireAsync(caller, session, ct);
        Check(maxLines);
        context.Response.ContentType = "text/plain; charset=utf-8";
        context.Response.Headers.CacheControl = "no-store";
        context.Response.Headers.XContentTypeOptions = "nosniff";
        if (!follow || !found.Session.IsLive)
        {
            await context.Response.Body.WriteAsync(logs.ReadTail(found.Session.Key, maxLines), ct);
            return;
        }

        var cut = await callers.HoldAsync(context, caller);
        // Sends the head: whoever follows a log in which nothing stands yet must know that it is being followed.
        await context.Response.Body.FlushAsync(ct);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(ct, cut, lifetime.ApplicationStopping);
        try
        {
            await foreach (var chunk in logs.FollowAsync(found.Session.Key, logs.TailOffset(found.Session.Key, maxLines), stop.Token))
            {
                await context.Response.Body.WriteAsync(chunk.Bytes, stop.Token);
                await context.Response.Body.FlushAsync(stop.Token);
            }
        }
        catch (OperationCanceledException)
        {
            // The reader left, or may read no longer, or the server stops.
        }
    }

    /// <summary>Renku's form: container name to text.</summary>
    public static async Task<Dictionary<string, string>> ByContainerAsync(
        string session, Caller caller, SessionQueries queries, SessionLogs logs, CancellationToken ct, [FromQuery(Name = "max_lines")] int maxLines = DefaultLines)
    {
        var found = await queries.RequireAsync(caller, session, ct);
        Check(maxLines);
        return new Dictionary<string, string> { ["session"] = LogText.Plain(logs.ReadTail(found.Session.Key, maxLines)) };
    }

    private static void Check(int lines)
    {
        if (lines is < 1 or > MostLines)
            throw new ProblemException(ProblemCode.Invalid, $"max_lines is a number from 1 to {MostLines}.", "max_lines");
    }
}
