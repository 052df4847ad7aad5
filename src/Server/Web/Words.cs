using Berth.Contracts.Pools;
using Berth.Contracts.Sessions;
using Berth.Contracts.Users;

namespace Berth.Server.Web;

/// <summary>How the pages put things into words and colours.</summary>
public static class Words
{
    private static readonly string[] StageOrder = ["queued", "placing", "pulling", "preparing", "starting"];

    /// <summary>A duration in at most two units: "1 h 5 min". page.js says the same.</summary>
    public static string Span(TimeSpan span)
    {
        var seconds = (long)Math.Max(0, Math.Round(span.TotalSeconds));
        return seconds switch
        {
            < 60 => $"{seconds} s",
            < 600 => Two(seconds / 60, "min", seconds % 60, "s"),
            < 3600 => $"{seconds / 60} min",
            < 86400 => Two(seconds / 3600, "h", seconds % 3600 / 60, "min"),
            _ => Two(seconds / 86400, "d", seconds % 86400 / 3600, "h"),
        };

        static string Two(long big, string bigUnit, long small, string smallUnit) =>
            small == 0 ? $"{big} {bigUnit}" : $"{big} {bigUnit} {small} {smallUnit}";
    }

    /// <summary>What a token of a scope may do.</summary>
    public static string May(string scope) => scope switch
    {
        "sessions" => "Start and manage sessions",
        "read" => "Read only",
        _ => "Everything",
    };

    public static string StatusName(string status) => char.ToUpperInvariant(status[0]) + status[1..];

    public static string StatusColour(string status) => status switch
    {
        "running" => "green",
        "launching" => "azure",
        "pausing" or "stopping" => "orange",
        "paused" => "purple",
        "failed" => "red",
        _ => "secondary",
    };

    /// <summary>On its way to somewhere else.</summary>
    public static bool IsMoving(string status) => status is "launching" or "pausing" or "stopping";

    /// <summary>1 to 5, or 0 for a stage that this page does not know.</summary>
    public static int StageNumber(string? stage) => Array.IndexOf(StageOrder, stage) + 1;

    public static IReadOnlyList<string> Stages => StageOrder;

    public static string StageName(string stage) => stage switch
    {
        "queued" => "Waiting for compute",
        "placing" => "Finding a place",
        "pulling" => "Pulling the image",
        "preparing" => "Preparing the workspace",
        "starting" => "Starting the front end",
        _ => stage,
    };

    /// <summary>The percentage that a stage's detail begins with, such as "40 % of 512 MB".</summary>
    public static double? Percent(string? detail)
    {
        var end = detail?.IndexOf('%') ?? -1;
        return end > 0 && double.TryParse(detail![..end].Trim(), out var percent) && percent is >= 0 and <= 100 ? percent : null;
    }

    /// <summary>Who a user is, as far as they said.</summary>
    public static string Person(UserView user)
    {
        ArgumentNullException.ThrowIfNull(user);
        var name = $"{user.FirstName} {user.LastName}".Trim();
        return user.Email is null ? name : name.Length == 0 ? user.Email : $"{name}, {user.Email}";
    }

    /// <summary>The limits of a quota; those that it has none of are left out.</summary>
    public static string Quota(UserQuota quota)
    {
        ArgumentNullException.ThrowIfNull(quota);
        string?[] parts =
        [
            quota.Sessions is { } sessions ? (sessions == 1 ? "1 session" : $"{sessions} sessions") : null,
            quota.Cpu is { } cpu ? Cores(cpu) : null,
            quota.Memory is { } memory ? $"{Number(memory)} GB memory" : null,
            quota.Gpu is { } gpu ? Gpus(gpu) : null,
        ];
        var limits = string.Join(" · ", parts.Where(part => part is not null));
        return limits.Length == 0 ? "no limit" : limits;
    }

    /// <summary>A size, as disks count: "1.2 GB".</summary>
    public static string Bytes(long bytes) => bytes switch
    {
        < 1000 => $"{bytes} B",
        < 1_000_000 => $"{bytes / 1e3:0.#} kB",
        < 1_000_000_000 => $"{bytes / 1e6:0.#} MB",
        _ => $"{bytes / 1e9:0.##} GB",
    };

    public static string Cores(double cpu) => cpu == 1 ? "1 core" : $"{Number(cpu)} cores";

    public static string Gpus(int gpu) => gpu switch { -1 => "all gpus", 1 => "1 gpu", _ => $"{gpu} gpus" };

    public static string Amounts(ResourceAmounts amounts) => string.Join(" · ", Parts(amounts.Cpu, amounts.Memory, amounts.Gpu, amounts.Storage));

    public static string Amounts(ClassView of) => string.Join(" · ", Parts(of.Cpu, of.Memory, of.Gpu, of.DefaultStorage));

    public static string Number(double number) => number.ToString("0.###");

    /// <summary>Seconds, as pools hold them; zero means without limit.</summary>
    public static string Seconds(int? seconds, string whenNull) => seconds switch
    {
        null => whenNull,
        0 => "never",
        _ => Span(TimeSpan.FromSeconds(seconds.Value)),
    };

    private static IEnumerable<string> Parts(double cpu, double memory, int gpu, int disk)
    {
        yield return Cores(cpu);
        yield return $"{Number(memory)} GB memory";
        if (gpu != 0)
            yield return Gpus(gpu);
        if (disk > 0)
            yield return $"{disk} GB disk";
    }
}
