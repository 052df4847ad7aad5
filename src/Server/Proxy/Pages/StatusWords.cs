using System.Text.Encodings.Web;
using Berth.Contracts.Sessions;
using Berth.Server.Sessions;
using Microsoft.AspNetCore.Components;

namespace Berth.Server.Proxy.Pages;

/// <summary>One line of the list of stages.</summary>
/// <param name="Words">What it does.</param>
/// <param name="State">done, now, failed or later: a class of the style sheet.</param>
/// <param name="Detail">The last thing it said, where it is not done.</param>
/// <param name="Since">When it began, while it lasts.</param>
/// <param name="Took">How long it took, once it is done.</param>
public sealed record StageLine(string Words, string State, string? Detail, DateTimeOffset? Since, TimeSpan? Took);

/// <summary>The words of the waiting page.</summary>
public static class StatusWords
{
    private static readonly (string Name, string Words)[] All =
    [
        ("queued", "Wait for a place"),
        ("placing", "Find a place"),
        ("pulling", "Fetch the image"),
        ("preparing", "Prepare the workspace"),
        ("starting", "Start the app"),
    ];

    /// <summary>In the browser's tab.</summary>
    public static string Title(SessionView? view) => view is null ? "Session" : $"{Headline(view)} · {view.Name}";

    /// <summary>Where it stands, in a word or two.</summary>
    public static string Headline(SessionView view) => view.Berth.Status switch
    {
        "launching" when view.Berth.Stage == "queued" => "Waiting for a place",
        "launching" => "Starting",
        "running" => "Ready",
        "pausing" => "Pausing",
        "paused" => "Paused",
        "stopping" => "Stopping",
        "failed" => "Failed",
        "ended" => "Stopped",
        var other => other,
    };

    /// <summary>What the button says that starts it again; null: there is none.</summary>
    public static string? ResumeWord(SessionView view) => view.Berth.Status switch
    {
        "paused" => "Resume",
        "failed" when !view.IsLost() => "Start again",
        _ => null,
    };

    /// <summary>What to do about it; null where that is what the button does.</summary>
    public static string? NextStep(SessionView view) =>
        ResumeWord(view) is not null && view.Berth.NextStep?.EndsWith($"`berth session resume {view.Name}`.", StringComparison.Ordinal) is true
            ? null
            : view.Berth.NextStep;

    /// <summary>Whether the stages tell something: of a start, or of how far a start got.</summary>
    public static bool ShowsStages(SessionView view) => view.Berth.Status is "launching" or "failed" && view.Berth.Stages.Count > 0;

    /// <summary>The stages of this start and, of one that goes on, those to come. Nobody waits for a place who has one.</summary>
    public static IEnumerable<StageLine> Stages(SessionView view)
    {
        DateTimeOffset? failedAt = view.Berth.Status == "failed" ? view.Berth.StatusSince : null;
        foreach (var stage in view.Berth.Stages)
        {
            var state = StageHistory.FailedIn(stage, failedAt) ? "failed" : stage.EndedAt is null ? "now" : "done";
            yield return new StageLine(
                Words(stage.Name), state, state == "done" ? null : stage.Detail,
                state == "now" ? stage.StartedAt : null, stage.EndedAt - stage.StartedAt);
        }

        if (failedAt is not null)
            yield break;
        var reached = view.Berth.Stages.Max(s => Array.FindIndex(All, known => known.Name == s.Name));
        foreach (var (_, words) in All.Skip(Math.Max(reached + 1, 1)))
            yield return new StageLine(words, "later", null, null, null);
    }

    /// <summary>A length of time for people.</summary>
    public static string Duration(TimeSpan time) => time.TotalSeconds switch
    {
        < 10 => $"{Math.Max(time.TotalSeconds, 0):0.0} s",
        < 60 => $"{time.TotalSeconds:0} s",
        < 3600 => $"{(int)time.TotalMinutes} min {time.Seconds} s",
        _ => $"{(int)time.TotalHours} h {time.Minutes} min",
    };

    /// <summary>A sentence whose commands stand in backticks.</summary>
    public static MarkupString Prose(string sentence)
    {
        var parts = sentence.Split('`');
        for (var i = 0; i < parts.Length; i++)
        {
            var text = HtmlEncoder.Default.Encode(parts[i]);
            parts[i] = i % 2 == 1 ? $"<code>{text}</code>" : text;
        }

        return new MarkupString(string.Concat(parts));
    }

    private static string Words(string stage) => Array.Find(All, known => known.Name == stage) is { Words: { } words } ? words : stage;
}
