using Berth.Contracts.Sessions;

namespace Berth.Cli.Output;

/// <summary>What a workspace holds, and whether it is there, in words.</summary>
internal static class DiskUse
{
    public static string? Of(long? bytes) => bytes switch
    {
        null => null,
        < 1000 => $"{bytes} B",
        < 1_000_000 => $"{bytes / 1e3:0.#} kB",
        < 1_000_000_000 => $"{bytes / 1e6:0.#} MB",
        _ => $"{bytes / 1e9:0.##} GB",
    };

    /// <summary>Of a session that has ended; of one that has not, it goes without saying.</summary>
    public static string? Work(SessionView session) => session.Berth switch
    {
        { ContinuedBy: { } next } => $"went on in {next}",
        { Status: "ended", WorkKept: true } => $"kept: go on with `berth session start --continue {session.Id}`",
        { Status: "ended" } => "deleted",
        _ => null,
    };
}
