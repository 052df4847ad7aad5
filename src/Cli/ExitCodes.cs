using Berth.Contracts.Problems;

namespace Berth.Cli;

/// <summary>What the command returns; scripts branch on it, so these are part of the interface.</summary>
internal static class ExitCodes
{
    public const int Ok = 0;
    public const int Error = 1;
    public const int Usage = 2;
    public const int SignIn = 3;
    public const int NotFound = 4;
    public const int Conflict = 5;
    public const int Quota = 6;
    public const int TimedOut = 7;
    public const int SessionFailed = 8;
    public const int Interrupted = 130;

    /// <summary>The one table from the server's refusals.</summary>
    public static int Of(ProblemCode kind) => kind switch
    {
        ProblemCode.Invalid => Usage,
        ProblemCode.SignInNeeded or ProblemCode.Forbidden => SignIn,
        ProblemCode.NotFound => NotFound,
        ProblemCode.Conflict or ProblemCode.Stale or ProblemCode.PreconditionRequired => Conflict,
        ProblemCode.QuotaExceeded or ProblemCode.NoCapacity => Quota,
        _ => Error,
    };
}
