using System.Text;
using Berth.Cli.Output;
using Berth.Cli.Servers;
using Berth.Contracts.Client;
using Berth.Contracts.Json;
using Berth.Contracts.Sessions;

namespace Berth.Cli.Commands.Sessions;

/// <summary>From the wish for a running session to its link, or to why there is none; for <c>start</c> and <c>resume</c>.</summary>
internal static class StartedSession
{
    private const int LastLines = 20;

    public static async Task<int> FollowAsync(
        Call call, Server server, SessionWatch watch, SessionView session, bool detach, TimeSpan? timeout, bool open, Uploads? uploads, CancellationToken ct)
    {
        var isComplete = true;
        var ranBefore = session.Berth.Status == "running";
        if (!detach)
        {
            var started = call.Here.Time.GetTimestamp();
            try
            {
                if (!ranBefore)
                    session = await WaitAsync(call, watch, session, timeout, ct);
                if (uploads is not null && session.Berth.Status == "running")
                    isComplete = await uploads.CopyAsync(call, server, session, ct);
            }
            catch (OperationCanceledException) when (ct.IsCancellationRequested)
            {
                call.Report.Line();
                call.Report.Line($"Session '{session.Name}' goes on without you.");
                Hints(call, session, "See it:  berth session show ");
                return ExitCodes.Interrupted;
            }
            if (session.Berth.Status != "running")
                return await ExplainAsync(call, server, session);
            call.Report.Line(ranBefore ? $"Session '{session.Name}' runs already." : $"Session '{session.Name}' is ready after {Ages.Took(call.Here.Time.GetElapsedTime(started))}.");
        }
        else
        {
            call.Report.Line($"Session '{session.Name}' {(ranBefore ? "runs already." : "is starting; its link waits for it.")}");
        }
        foreach (var notice in session.Berth.Notices)
            call.Report.Warning(notice);
        var link = await SessionLink.ForAsync(server, session, ct);
        Print(call, session, link);
        if (open && !call.Here.OpenBrowser(link))
            call.Report.Line("There is no browser here: open the link where there is one.");
        Hints(call, session, detach ? "See it:  berth session show " : null);
        return isComplete ? ExitCodes.Ok : ExitCodes.Error;
    }

    private static async Task<SessionView> WaitAsync(
        Call call, SessionWatch watch, SessionView session, TimeSpan? timeout, CancellationToken ct)
    {
        using var board = new StageBoard(call.Here, call.Report);
        return await watch.UntilAsync(session, view => view.Berth.Status is not "launching", timeout, ct, board.Show);
    }

    private static void Print(Call call, SessionView session, string link)
    {
        if (call.Results.Format == OutputFormat.Table)
            call.Here.Out.WriteLine(link);
        else
            call.Results.One(session, BerthJson.Default.SessionView, SessionColumns.Detail(call.Here.Time), view => view.Name);
    }

    private static void Hints(Call call, SessionView session, string? first)
    {
        if (first is not null)
            call.Report.Line($"  {first}{session.Name}");
        call.Report.Line($"  Open it: berth session open {session.Name}");
        call.Report.Line($"  Stop it: berth session stop {session.Name}");
    }

    /// <summary>The reason, what to do, and the last it wrote: whoever reads a failure should need no second command.</summary>
    private static async Task<int> ExplainAsync(Call call, Server server, SessionView session)
    {
        var what = session.Berth.Status == "failed" ? "failed" : $"is {session.Berth.Status}";
        call.Report.Problem($"Session '{session.Name}' {what}. {session.Berth.Sentence}".TrimEnd());
        var lines = await LastLinesAsync(server, session);
        if (lines.Length > 0)
        {
            call.Report.Line("The end of its log:");
            foreach (var line in lines)
                call.Report.Line("  " + line);
        }
        if (session.Berth.NextStep is { } next)
            call.Report.Line(next);
        return ExitCodes.SessionFailed;
    }

    private static async Task<string[]> LastLinesAsync(Server server, SessionView session)
    {
        try
        {
            await using var log = await server.Client.ReadLogAsync(session.Id, LastLines, follow: false, CancellationToken.None);
            using var reader = new StreamReader(log, Encoding.UTF8);
            var text = (await reader.ReadToEndAsync()).TrimEnd();
            return text.Length == 0 ? [] : [.. text.Split('\n').TakeLast(LastLines)];
        }
        catch (Exception e) when (e is ApiException or ServerUnreachableException or IOException)
        {
            // The failure itself has been told; a log that cannot be had must not hide it.
            return [];
        }
    }
}
