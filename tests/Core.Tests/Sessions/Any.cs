using Berth.Core.Providers;
using Berth.Core.Sessions;
using FsCheck;
using FsCheck.Fluent;

namespace Berth.Core.Tests.Sessions;

/// <summary>Generators: any history that a session can have, not any combination of fields.</summary>
internal static class Any
{
    public static readonly DateTimeOffset Start = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    public static readonly Limits Limits = new(
        TimeSpan.FromHours(2), TimeSpan.FromHours(8), TimeSpan.FromMinutes(10), TimeSpan.FromDays(1), TimeSpan.FromDays(3), TimeSpan.FromDays(5));

    public static Session NewSession() => Session.New("01HZZZZZZZZZZZZZZZZZZZZZZZ", Limits, Start);

    /// <summary>Of a pool with queues.</summary>
    public static Session NewInLine() => Lifecycle.Line(NewSession() with { Line = new LinePlace("lab", 0), HasWorkspace = false });

    /// <summary>One thing that can happen to a session, applied at a time.</summary>
    public sealed record Happening(string Name, Func<Session, DateTimeOffset, Session> Apply)
    {
        public override string ToString() => Name;
    }

    /// <summary>A happening some time after the one before.</summary>
    public sealed record Moment(TimeSpan After, Happening Happening)
    {
        public override string ToString() => $"+{After} {Happening}";
    }

    public static readonly ForeignSighting[] Foreign =
    [
        ForeignSighting.NotKnown,
        ForeignSighting.NotThere,
        ForeignSighting.OnAwayMachine(new Absence("lab3 has not been heard of.", Start.AddDays(365))),
        ForeignSighting.OnAwayMachine(new Absence("lab3 has not been heard of.", Start)),
        .. from state in Enum.GetValues<ForeignState>()
           from code in new int?[] { null, 0, 1, 137 }
           from oom in new[] { false, true }
           select ForeignSighting.There(new Observation(new SessionKey("01HZZZZZZZZZZZZZZZZZZZZZZZ", 1), state, "words") { ExitCode = code, OutOfMemory = oom }),
    ];

    public static readonly AgentSighting?[] Agent =
    [
        null,
        new(Stage.Preparing, "cloning", Ready: false),
        new(Stage.Starting, "waiting for an answer on port 8888", Ready: false),
        new(Stage.Starting, null, Ready: true),
        new(Stage.Starting, null, Ready: true, ExitCode: 0),
        new(Stage.Starting, null, Ready: false, ExitCode: 3),
        new(Stage.Starting, "no such file", Ready: false, Failure: Reason.CommandNotFound),
    ];

    public static readonly Happening[] Happenings =
    [
        .. from foreign in Foreign from agent in Agent select new Happening(
            $"sighting {foreign} {agent}", (s, now) => Lifecycle.Decide(s, new Sighting(foreign, agent), now).Session),
        new("pause", Lawful((s, now) => Lifecycle.Pause(s, now))),
        new("resume", Lawful(Lifecycle.Resume)),
        new("extend", Lawful((s, now) => Lifecycle.Extend(s, now.AddHours(1)))),
        new("stop", (s, now) => Lifecycle.Stop(s, deleteWork: false, now)),
        new("stop and delete", (s, now) => Lifecycle.Stop(s, deleteWork: true, now)),
        new("in use", (s, now) => Lifecycle.Seen(s, UsesOf.Agent, Uses.Kernel, now)),
        new("used", (s, now) => Lifecycle.Used(s, now)),
        new("accepted", (s, _) => Lifecycle.Accepted(s)),
        new("released", (s, now) => s.Step != Step.StopIntended ? s
            : Lifecycle.Released(s, s.Wish == Wish.StopAndDelete || s is { Status: SessionStatus.Launching, Line.Tied: false }, now)),
        new("placed", (s, now) => s is { Status: SessionStatus.Launching, Step: Step.Waiting } ? Lifecycle.Placed(s, now) : s),
        new("turned away", (s, now) => Lifecycle.TurnedAway(s, "node:a", Reason.NoCapacity, "2 cores", nothingBegun: false, now)),
        new("not reached", (s, now) => Lifecycle.TurnedAway(s, "node:b", Reason.NodeAway, "away", nothingBegun: true, now)),
        new("refused for good", (s, now) => Lifecycle.Refused(s, Reason.ImageNotFound, "no such image", now)),
        new("refused for now", (s, now) => Lifecycle.Refused(s, Reason.EngineUnreachable, "connection refused", now)),
        new("pulling", (s, now) => Lifecycle.Progress(s, new StageReport(Stage.Pulling, "40 %"), now)),
        new("queued", (s, now) => Lifecycle.Progress(s, new StageReport(Stage.Queued, "waits for a gpu"), now)),
    ];

    public static readonly Arbitrary<Moment[]> History = (
        from minutes in Gen.Frequency((5, Gen.Choose(0, 5)), (3, Gen.Choose(1, 600)), (1, Gen.Choose(1000, 10000)))
        from sighting in Gen.Elements(true, false)
        from happening in sighting ? Gen.Elements(Happenings) : Gen.Elements(Happenings[^16..])
        select new Moment(TimeSpan.FromMinutes(minutes), happening)).ArrayOf().ToArbitrary();

    /// <summary>Plays a history; yields each state with the time at which it came to be.</summary>
    public static IEnumerable<(Session Before, Session After, DateTimeOffset Now, Happening Happening)> Play(Moment[] history, bool inLine = false)
    {
        var session = inLine ? NewInLine() : NewSession();
        var now = Start;
        foreach (var moment in history)
        {
            now += moment.After;
            var before = session;
            session = moment.Happening.Apply(session, now);
            yield return (before, session, now, moment.Happening);
        }
    }

    private static Func<Session, DateTimeOffset, Session> Lawful(Func<Session, DateTimeOffset, Session> act) => (s, now) =>
    {
        try
        {
            return act(s, now);
        }
        catch (IllegalTransitionException)
        {
            return s;
        }
    };
}
