using Berth.Contracts.Nodes;
using Berth.Core.Queues;
using Berth.Server.Problems;

namespace Berth.Server.Nodes;

/// <summary>What nodes may say of themselves.</summary>
internal static class NodeRules
{
    private const int MostLabels = 50;
    private const int MostQueues = 20;
    private const int MostGpus = 64;
    private const int LongestText = 500;
    private const int LongestAdvice = 2000;
    private const long NewsOfDisk = 1L << 29;

    /// <summary>A machine's name: as host names are written, so that it can stand in commands and addresses.</summary>
    public static string Name(string? value, string field) => Word(value, field, 63);

    public static string Queue(string? value, string field) => Word(value, field, 40);

    /// <summary>An offer within bounds; nothing of it is believed where the machine measures less.</summary>
    public static NodeOffer Checked(NodeOffer offer)
    {
        Check.Count(offer.Queues, MostQueues, "queues");
        Check.Count(offer.Gpus, MostGpus, "gpus");
        if (offer.Labels.Count > MostLabels)
            throw Check.Invalid("labels", $"must have at most {MostLabels} entries; it has {offer.Labels.Count}");
        if (offer.Uptime is { } uptime)
        {
            if (offer.TimeZone is { } zone && !IsZone(zone))
                throw Check.Invalid("time_zone", $"must be one that this server knows, as IANA names it, such as Europe/Zurich; it is '{Short(zone)}'");
            Window(uptime, offer.TimeZone);
        }

        return offer with
        {
            Cpu = offer.Cpu is { } cpu ? (cpu is > 0 and < 1e6 ? cpu : throw Check.Invalid("cpu", $"must be more than 0 cores; it is {cpu:0.##}")) : null,
            MemoryBytes = NotNegative(offer.MemoryBytes, "memory"),
            DiskBytes = NotNegative(offer.DiskBytes, "disk"),
            Gpus = offer.Gpus is { } gpus ? [.. gpus.Select((g, i) => Check.Name(g, $"gpus[{i}]")).Distinct()] : null,
            Labels = offer.Labels.ToDictionary(l => Check.Name(l.Key, "labels", longest: 63), l => Check.Text(l.Value, $"labels.{l.Key}", 255) ?? ""),
            Queues = offer.Queues is { Count: > 0 } queues ? [.. queues.Select((q, i) => Queue(q, $"queues[{i}]")).Distinct(StringComparer.OrdinalIgnoreCase)] : [NodeRoutes.DefaultQueue],
        };
    }

    /// <summary>What was measured, within bounds: it is shown, and reckoned with. Gpus that cannot be told now are those of before, and nobody's to give; one without an id or a name is none.</summary>
    public static NodeFacts Bounded(NodeFacts facts, NodeFacts? before) => facts with
    {
        Engine = Short(facts.Engine),
        Problem = Short(facts.Problem),
        GpuProblem = Short(facts.GpuProblem),
        Isolation = Short(facts.Isolation, LongestAdvice),
        Cpu = double.IsFinite(facts.Cpu) ? Math.Clamp(facts.Cpu, 0, 1e6) : 0,
        MemoryBytes = Math.Max(0, facts.MemoryBytes),
        DiskFreeBytes = Math.Max(0, facts.DiskFreeBytes),
        Gpus = facts.GpusUnknown
            ? [.. (before?.Gpus ?? []).Select(g => g with { Busy = true })]
            : [.. facts.Gpus.Where(g => g is { Id: not null, Name: not null }).Take(MostGpus).Select(g => g with { Id = Short(g.Id)!, Name = Short(g.Name)! })],
    };

    /// <summary>Whether pages show, or placement decides, something else for one than for the other.</summary>
    public static bool Differ(NodeRow? one, NodeRow? other)
    {
        if (one is null || other is null)
            return one != other;
        return one with { LastSeen = null, Facts = null } != other with { LastSeen = null, Facts = null } || Differ(one.FactsOf, other.FactsOf);
    }

    // Free memory is shown nowhere, and free disk changes with every file that is written: half a GB of it is no news.
    private static bool Differ(NodeFacts? one, NodeFacts? other) => one is null || other is null
        ? one != other
        : Math.Abs(one.DiskFreeBytes - other.DiskFreeBytes) >= NewsOfDisk
            || !one.Gpus.SequenceEqual(other.Gpus)
            || one with { DiskFreeBytes = 0, MemoryFreeBytes = 0, Gpus = [] } != other with { DiskFreeBytes = 0, MemoryFreeBytes = 0, Gpus = [] };

    /// <summary>In UTC where no zone is named, or one that was known here when it was said.</summary>
    /// <exception cref="Berth.Server.Problems.ProblemException">It cannot be read.</exception>
    public static UptimeWindow Window(string uptime, string? zone)
    {
        try
        {
            return UptimeWindow.Parse(uptime, zone is not null && IsZone(zone) ? TimeZoneInfo.FindSystemTimeZoneById(zone) : TimeZoneInfo.Utc);
        }
        catch (FormatException e)
        {
            throw Check.Invalid("uptime", $"cannot be read: {e.Message.TrimEnd('.')}");
        }
    }

    // Zones are looked up as files of that name: none but names is looked for.
    private static bool IsZone(string zone) =>
        zone.Length is > 0 and < 100 && zone[0] != '/' && zone.All(c => char.IsAsciiLetterOrDigit(c) || c is '/' or '_' or '-' or '+') && TimeZoneInfo.TryFindSystemTimeZoneById(zone, out _);

    private static string Word(string? value, string field, int longest)
    {
        var word = Check.Name(value, field, longest: longest);
        return word.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.') && char.IsAsciiLetterOrDigit(word[0])
            ? word
            : throw Check.Invalid(field, $"must have letters, digits, dots, dashes and underscores alone, and begin with a letter or digit; it is '{word}'");
    }

    private static long? NotNegative(long? bytes, string field) => bytes is null or >= 0 ? bytes : throw Check.Invalid(field, "must not be negative");

    private static string? Short(string? text, int longest = LongestText)
    {
        var plain = text is null ? null : new string([.. text.Where(c => !char.IsControl(c))]);
        return plain?.Length > longest ? plain[..longest] : plain;
    }
}
