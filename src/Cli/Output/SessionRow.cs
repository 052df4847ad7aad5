using Berth.Contracts.Sessions;

namespace Berth.Cli.Output;

/// <summary>What the list of sessions shows, whichever way it was read: see <see cref="Quick.QuickList"/>.</summary>
internal readonly record struct SessionRow(
    string Name, string Status, string? Stage, string? StageDetail, string? Reason, DateTimeOffset Started,
    DateTimeOffset? StopsAt, string Url)
{
    public static readonly string[] Headers = ["name", "status", "started", "stops", "url"];

    public static SessionRow Of(SessionView session) => new(
        session.Name, session.Berth.Status, session.Berth.Stage, session.Berth.StageDetail, session.Berth.Reason,
        session.Started, session.Berth.StopsAt, session.Url);

    /// <summary>The state and what it is busy with, or suffers from.</summary>
    public string StatusCell => this switch
    {
        { Status: "launching", Stage: { } stage, StageDetail: { Length: > 0 and <= 12 } detail } => $"launching ({stage} {detail})",
        { Status: "launching", Stage: { } stage } => $"launching ({stage})",
        { Status: "failed" or "paused", Reason: { } reason } when reason != "by_user" => $"{Status} ({reason.Replace('_', ' ')})",
        _ => Status,
    };

    public string StopsCell(DateTimeOffset now) => StopsAt is { } at ? Ages.Until(at, now) : "-";

    public string[] Cells(DateTimeOffset now) => [Name, StatusCell, Ages.Ago(Started, now), StopsCell(now), Url];

    public static string? Colour(string column, string cell) => column != "status" ? null : cell switch
    {
        "running" => "32",
        _ when cell.StartsWith("failed", StringComparison.Ordinal) => "31",
        _ when cell.StartsWith("paused", StringComparison.Ordinal) || cell == "ended" => "2",
        _ => "33",
    };
}
