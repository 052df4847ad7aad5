using Berth.Contracts.Sessions;

namespace Berth.Cli.Output;

/// <summary>What the list of sessions shows, whichever way it was read: see <see cref="Quick.QuickList"/>.</summary>
internal sealed class SessionRow
{
    public string Name { get; set; } = "";

    public string Status { get; set; } = "";

    public string? Stage { get; set; }

    public string? StageDetail { get; set; }

    public string? Reason { get; set; }

    public DateTimeOffset Started { get; set; }

    public DateTimeOffset? StopsAt { get; set; }

    public string Url { get; set; } = "";

    /// <summary>What the deadline will do that is near.</summary>
    public string? Warning { get; set; }

    public static readonly string[] Headers = ["name", "status", "started", "stops", "url"];

    public static SessionRow Of(SessionView session) => new()
    {
        Name = session.Name,
        Status = session.Berth.Status,
        Stage = session.Berth.Stage,
        StageDetail = session.Berth.StageDetail,
        Reason = session.Berth.Reason,
        Started = session.Started,
        StopsAt = session.Berth.StopsAt,
        Url = session.Url,
        Warning = session.Berth.Warning,
    };

    /// <summary>The state and what it is busy with, or suffers from.</summary>
    public string StatusCell => this switch
    {
        { Status: "launching", Stage: "queued", StageDetail: { } place } when place.IndexOf(" in the queue", StringComparison.Ordinal) is > 0 and var end => $"launching (queued, {place[..end]})",
        { Status: "launching", Stage: { } stage, StageDetail: { Length: > 0 and <= 12 } detail } => $"launching ({stage} {detail})",
        { Status: "launching", Stage: { } stage } => $"launching ({stage})",
        { Status: "running", Reason: { } reason } => $"running ({reason.Replace('_', ' ')})",
        { Status: "failed" or "paused", Reason: { } reason } when reason != "by_user" => $"{Status} ({reason.Replace('_', ' ')})",
        _ => Status,
    };

    public string StopsCell(DateTimeOffset now) => StopsAt is { } at ? Ages.Until(at, now) : "-";

    /// <summary>For stderr; null while no deadline is near.</summary>
    public string? WarningLine(DateTimeOffset now) => Warning is null || StopsAt is not { } at ? null : $"Session '{Name}', {Ages.Until(at, now)}: {Warning}";

    public string[] Cells(DateTimeOffset now) => [Name, StatusCell, Ages.Ago(Started, now), StopsCell(now), Url];

    public static string? Colour(string column, string cell) => column != "status" ? null : cell switch
    {
        "running" => "32",
        _ when cell.StartsWith("failed", StringComparison.Ordinal) => "31",
        _ when cell.StartsWith("paused", StringComparison.Ordinal) || cell == "ended" => "2",
        _ => "33",
    };
}
