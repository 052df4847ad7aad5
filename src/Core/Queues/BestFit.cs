using System.Runtime.InteropServices;

namespace Berth.Core.Queues;

/// <summary>
/// How well a session fits a machine that has room for it; the smallest is the best. Compared one after the other:
/// <list type="number">
/// <item>the owner's own machine before one that serves others, too;</item>
/// <item>for sessions of unknown length, a machine that does not close soon;</item>
/// <item>the fewest gpus wasted: for a session without gpus those that the machine offers, else those that stay free;</item>
/// <item>the least left over: the free shares of cores, memory and disk after the placement, added up.</item>
/// </list>
/// So whole machines stay whole, gpus stay with those who need them, and a tie goes to the lower id.
/// </summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct BestFit(bool Shared, bool Closes, long Gpus, double Left)
{
    public static BestFit Of(Candidate candidate, NodeState state, DateTimeOffset closesSoon)
    {
        var left = state.Free - candidate.Demand;
        return new(
            state.Node.Owner is null,
            candidate.Session.Longest is null && state.ClosesAt <= closesSoon,
            candidate.Demand.Gpus == 0 ? state.Offered.Gpus : left.Gpus,
            Share(left.MilliCpu, state.Offered.MilliCpu) + Share(left.Memory, state.Offered.Memory) + Share(left.Disk, state.Offered.Disk));
    }

    public bool IsBetterThan(in BestFit other) =>
        Shared != other.Shared ? !Shared
        : Closes != other.Closes ? !Closes
        : Gpus != other.Gpus ? Gpus < other.Gpus
        : Left < other.Left;

    private static double Share(long left, long offered) => offered == 0 ? 0 : (double)left / offered;
}
