using Berth.Contracts.Sessions;

namespace Berth.Cli.Output;

/// <summary>Columns of sessions; the first few are those of <see cref="SessionRow"/>.</summary>
internal static class SessionColumns
{
    public static IReadOnlyList<Column<SessionView>> Of(TimeProvider time) =>
    [
        new("name", session => session.Name),
        new("status", session => SessionRow.Of(session).StatusCell),
        new("started", session => Ages.Ago(session.Started, time.GetUtcNow())),
        new("stops", session => SessionRow.Of(session).StopsCell(time.GetUtcNow())),
        new("url", session => session.Url),
        new("id", session => session.Id, false),
        new("image", session => session.Image, false),
        new("launcher", session => session.Berth.LauncherName, false),
        new("project", session => session.Berth.ProjectName, false),
        new("owner", session => session.Berth.Username, false),
        new("pool", session => session.Berth.PoolName, false),
        new("class", session => session.Berth.ClassName, false),
        new("provider", session => session.Berth.Provider, false),
        new("cpu", session => $"{session.Resources.Requests.Cpu}", false),
        new("memory", session => $"{session.Resources.Requests.Memory} GB", false),
        new("gpu", session => session.Resources.Requests.Gpu switch { < 0 => "all", var count => $"{count}" }, false),
        new("disk", session => $"{session.Resources.Requests.Storage} GB", false),
        new("ssh", session => session.Berth.Status == "running" ? $"berth ssh {session.Name}" : null, false),
        new("port", session => $"{session.Berth.Port}", false),
        new("ports", session => Ports(session.Berth), false),
        new("repository", session => session.Berth.Repositories is [var first, ..] ? first.Url : null, false),
        new("branch", session => session.Berth.Repositories is [var first, ..] ? first.Branch : null, false),
        new("commit", session => session.Berth.Repositories is [var first, ..] ? first.Commit : null, false),
        new("used", session => Ages.Ago(session.LastInteraction, time.GetUtcNow()), false),
        new("reason", session => session.Berth.Reason, false),
        new("used_disk", session => DiskUse.Of(session.Berth.DiskUsed), false),
        new("measured", session => session.Berth.DiskMeasuredAt is { } at ? Ages.Ago(at, time.GetUtcNow()) : null, false),
        new("work", session => DiskUse.Work(session), false),
    ];

    /// <summary>For one session: what a person wants to know of it, in that order.</summary>
    public static IReadOnlyList<Column<SessionView>> Detail(TimeProvider time) =>
    [
        new("name", session => session.Name),
        new("id", session => session.Id),
        new("status", session => SessionRow.Of(session).StatusCell),
        new("because", session => session.Berth.Sentence),
        new("what_to_do", session => session.Berth.NextStep),
        new("link", session => session.Url),
        new("ports", session => Ports(session.Berth)),
        new("ssh", session => session.Berth.Status == "running" ? $"berth ssh {session.Name}" : null),
        new("image", session => session.Image),
        new("launcher", session => session.Berth.LauncherName),
        new("project", session => session.Berth.ProjectName),
        new("owner", session => session.Berth.Username),
        new("runs_on", session => $"{session.Berth.PoolName}, class {session.Berth.ClassName}{(session.Berth.Machine is { } machine ? $", on {machine}" : null)}"),
        new("resources", session => Resources(session.Resources.Requests)),
        new("disk_used", session => session.Berth is { DiskUsed: { } used, DiskMeasuredAt: { } at }
            ? $"{DiskUse.Of(used)}, measured {Ages.Ago(at, time.GetUtcNow())}"
            : null),
        new("work", session => DiskUse.Work(session)),
        new("goes_on_from", session => session.Berth.Continues),
        new("repositories", session => string.Join(", ", session.Berth.Repositories.Select(
            repository => repository.Branch is null ? repository.Url : $"{repository.Url} ({repository.Branch})"))),
        new("started", session => $"{session.Started:yyyy-MM-dd HH:mm} UTC ({Ages.Ago(session.Started, time.GetUtcNow())})"),
        new("last_used", session => Ages.Ago(session.LastInteraction, time.GetUtcNow())),
        new("in_use", session => session.Berth is not { Status: "running", InUse: { } uses } ? null : uses.Count == 0 ? "idle" : string.Join(", ", uses)),
        new("stops", session => session.Berth.StopsAt is { } at
            ? $"{Ages.Until(at, time.GetUtcNow())} ({at:yyyy-MM-dd HH:mm} UTC), because: {session.Berth.StopsBecause}"
            : null),
        new("stages", session => string.Join(", ", session.Berth.Stages.Select(
            stage => $"{stage.Name} {Ages.Took((stage.EndedAt ?? time.GetUtcNow()) - stage.StartedAt)}"))),
        new("now", session => session.Berth.StageDetail),
        new("exit_code", session => session.Berth.ExitCode?.ToString()),
        new("notices", session => string.Join("; ", session.Berth.Notices)),
    ];

    private static string? Ports(SessionExtra session) => session.Ports is { Count: > 0 } ports ? string.Join(", ", ports.Select(of => of.Port)) : null;

    private static string Resources(ResourceAmounts amounts) =>
        $"{amounts.Cpu} cpu, {amounts.Memory} GB memory, "
        + (amounts.Gpu == 0 ? "" : amounts.Gpu < 0 ? "all gpus, " : $"{amounts.Gpu} gpu, ")
        + $"{amounts.Storage} GB disk";
}
