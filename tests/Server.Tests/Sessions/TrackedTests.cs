using Berth.Core.Sessions;
using Berth.Server.Sessions;
using Berth.Server.Sessions.Reconcile;

namespace Berth.Server.Tests.Sessions;

/// <summary>When the loop looks at a session again though nothing was heard of it.</summary>
public sealed class TrackedTests
{
    private static readonly DateTimeOffset Begin = new(2030, 1, 1, 0, 0, 0, TimeSpan.Zero);

    [Fact]
    public void AtTheDeadlineOfItsStartThoughAnActIsOnItsWay()
    {
        var tracked = Track(Session.New("A", Limits.Default, Begin));
        using var cancel = new CancellationTokenSource();
        tracked.Act = new RunningAct(Act.Start, tracked.Stored.Session.Key, cancel);
        tracked.Settled(Begin);
        Assert.Equal(Begin.AddMinutes(15), tracked.DueAt);
    }

    [Fact]
    public void NotAgainForADeadlineThatWasMetThoughWhatItAskedForHasFailed()
    {
        var deadline = Begin + Limits.Default.Retention!.Value;
        var tracked = Track(Session.New("A", Limits.Default, Begin) with
        {
            Status = SessionStatus.Ended,
            Step = Step.StopIntended,
            Wish = Wish.StopAndDelete,
            WarnedOf = deadline,
        });
        Assert.Equal(deadline, tracked.DueAt);
        tracked.Settled(deadline);
        Assert.Equal(DateTimeOffset.MaxValue, tracked.DueAt);

        tracked.Failed(deadline);
        Assert.InRange(tracked.DueAt, deadline.AddMilliseconds(1), deadline.AddMinutes(1));
    }

    [Fact]
    public void NotAgainForATryThatHasBegun()
    {
        var tracked = Track(Session.New("A", Limits.Default, Begin));
        tracked.Failed(Begin);
        Assert.InRange(tracked.DueAt, Begin.AddMilliseconds(1), Begin.AddMinutes(1));
        tracked.Settled(tracked.DueAt);
        Assert.Equal(Begin.AddMinutes(15), tracked.DueAt);
    }

    // What is not looked at here is not there.
    private static Tracked Track(Session session) => new(new StoredSession(session, null!, null!, [], [], null, 1));
}
