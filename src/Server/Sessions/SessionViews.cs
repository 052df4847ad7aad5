using Berth.Contracts.Sessions;
using Berth.Core.Sessions;
using Berth.Server.Agents;
using Berth.Server.Proxy;
using Berth.Server.Queues;

namespace Berth.Server.Sessions;

/// <summary>How a session is shown.</summary>
public sealed class SessionViews(Origins origins, AgentHub hub, LineBoard board, TimeProvider clock)
{
    private const double Gigabyte = 1L << 30;

    /// <summary>The view of a stored session.</summary>
    public SessionView View(StoredSession stored, SessionNames names)
    {
        var (session, spec, facts) = (stored.Session, stored.Spec, stored.Facts);
        var workKept = session.HasWorkspace && stored.ContinuedBy is null;
        // What is left of a session whose work went on elsewhere is not worth a deadline.
        var line = board.View(stored);
        var waits = line is null ? null : LineBoard.Words(line, clock.GetUtcNow());
        var earliest = session.Status == SessionStatus.Ended && !workKept ? null : Deadlines.Earliest(session);
        return new SessionView(
            facts.Name,
            session.Id,
            spec.Image,
            new(new(
                spec.Resources.Cpu,
                Math.Round(spec.Resources.MemoryBytes / Gigabyte, 3),
                spec.Resources.Gpu.Ids.Count > 0 ? spec.Resources.Gpu.Ids.Count : spec.Resources.Gpu.Count,
                (int)(spec.Resources.DiskBytes / Gigabyte))),
            facts.CreatedAt,
            session.LastUsed,
            new SessionState(
                RenkuState(session.Status),
                waits is null ? SessionHistory.StatusSentence(session) : $"It waits in line, {waits}.",
                session.Status == SessionStatus.Running && earliest is { Kind: DeadlineKind.Idle or DeadlineKind.Age } ? earliest.At : null,
                earliest is { Kind: DeadlineKind.Paused } ? earliest.At : null,
                session.Status == SessionStatus.Running ? 1 : 0,
                1),
            $"{origins.Public}/sessions/{session.Id}/open",
            facts.ProjectId,
            facts.LauncherId,
            facts.ClassId,
            new SessionExtra(
                Lower(session.Status),
                session.Reason is { } reason ? Snake(reason) : null,
                SessionHistory.Why(session),
                session.Reason?.NextStep(facts.Name),
                session.Stage is { } stage ? Lower(stage) : null,
                waits ?? session.StageDetail,
                [.. stored.Stages.Select(s => new StageView(Lower(s.Stage), s.StartedAt, s.EndedAt, s.EndedAt is null ? waits ?? s.Detail : s.Detail))],
                session.Generation,
                facts.UserId,
                names.OwnerName,
                names.PoolName ?? "a pool that was deleted",
                names.ClassName ?? "a class that was deleted",
                facts.Provider,
                names.LauncherListed is true ? names.LauncherName : null,
                names.ProjectName ?? "a project that was deleted",
                session.StatusSince,
                earliest?.At,
                earliest?.Because,
                spec.Port,
                spec.DefaultUrl,
                [.. spec.Repositories.Select(r => new RepositoryRequest(r.Url, r.Branch, r.Commit, r.Lfs))],
                stored.Notices,
                session.ExitCode,
                workKept,
                stored.Continues,
                stored.ContinuedBy,
                workKept ? stored.Disk?.Bytes : null,
                workKept ? stored.Disk?.MeasuredAt : null,
                [.. session.InUse.Each().Select(use => use.Words())],
                (workKept || session.Status != SessionStatus.Ended) && Warnings.Of(session) is { } near ? Warnings.Sentence(near, facts.Name) : null,
                earliest is { Kind: DeadlineKind.Idle or DeadlineKind.Paused or DeadlineKind.Failed },
                Ports(session, spec),
                line,
                names.MachineName));
    }

    private IReadOnlyList<PortView>? Ports(Session session, SessionSpec spec) => session.Status != SessionStatus.Running
        ? null
        : hub.Ports(new SessionKey(session.Id, session.Generation)) is { } ports
            ? [.. ports.Where(port => port != spec.Port).Select(port => new PortView(port, origins.LinkTo(new SessionOrigin(session.Id, port))))]
            : null;

    /// <summary>Renku's word for a status.</summary>
    private static string RenkuState(SessionStatus status) => status switch
    {
        SessionStatus.Launching => "starting",
        SessionStatus.Running => "running",
        SessionStatus.Pausing or SessionStatus.Stopping => "stopping",
        SessionStatus.Paused => "hibernated",
        SessionStatus.Failed => "failed",
        _ => "succeeded",
    };

    private static string Lower<T>(T value)
        where T : struct, Enum => value.ToString().ToLowerInvariant();

    private static string Snake(Reason reason) => System.Text.Json.JsonNamingPolicy.SnakeCaseLower.ConvertName(reason.ToString());
}

/// <summary>What pages ask of a session.</summary>
public static class SessionViewWords
{
    /// <summary>
    /// It failed because its machine is lost: it may still run there, and comes back with it. What would start it there again
    /// would end that.
    /// </summary>
    public static bool IsLost(this SessionView session)
    {
        ArgumentNullException.ThrowIfNull(session);
        return session.Berth is { Status: "failed", Reason: "node_lost" };
    }
}
