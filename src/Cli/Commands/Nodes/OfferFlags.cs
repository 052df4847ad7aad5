using System.CommandLine;
using Berth.Cli.Settings;
using Berth.Contracts.Nodes;

namespace Berth.Cli.Commands.Nodes;

/// <summary>What a machine offers, as flags. Each that is given replaces what was said before.</summary>
internal sealed class OfferFlags
{
    private const string All = "all";
    private const double Gigabyte = 1L << 30;

    private readonly Flag<string?> _gpus = Flags.Text("--gpus", "Gpus to offer, by number or id, in this order; none for none (all)", "0,1|none|all");
    private readonly Flag<double?> _cpus = OrAll(Flags.Number("--cpus", "Cores to offer (all)", "CORES"));
    private readonly Flag<double?> _memory = OrAll(Flags.Size("--memory", "Memory to offer (all)"));
    private readonly Flag<double?> _disk = OrAll(Flags.Size("--disk", "Disk to offer for work of sessions (all that is free)"));
    private readonly Flag<string[]> _labels = Flags.Texts("--label", "For people to tell machines apart", "KEY=VALUE");
    private readonly Flag<string[]> _queues = new("--queue", "Queues that it serves, the most important first (default)") { HelpName = "QUEUE", Arity = ArgumentArity.OneOrMore, AllowMultipleArgumentsPerToken = true };
    private readonly Flag<bool> _fair = Flags.Switch("--fair", "Take from the queues in turn, not by their order");
    private readonly Flag<string?> _uptime = Flags.Text("--uptime", "When it may be used, such as 'Mon-Fri 18:00-08:00; Sat-Sun 00:00-24:00' (always)", "TIMES|always");
    private readonly Flag<string?> _zone = Flags.Text("--time-zone", "By which clock --uptime is meant, such as Europe/Zurich (the one of this terminal)", "ZONE");

    private IEnumerable<Option> Every => [_gpus, _cpus, _memory, _disk, _labels, _queues, _fair, _uptime, _zone];

    public void AddTo(Command command)
    {
        foreach (var flag in Every)
            command.Add(flag);
    }

    /// <summary>Whether any is given.</summary>
    public bool IsGiven(Call call) => Every.Any(call.Has);

    /// <summary>What is offered now: as before, but for what is given.</summary>
    public NodeOffer Read(Call call, NodeOffer before)
    {
        var uptime = call.Get(_uptime) is { } times ? times == "always" ? null : times : before.Uptime;
        if (uptime is null && call.Has(_zone))
            throw CliException.Usage("--time-zone says by which clock --uptime is meant: give that too, such as --uptime 'Mon-Fri 18:00-08:00'.");
        return new NodeOffer
        {
            Cpu = call.Get(_cpus) is { } cores ? Limit(cores) : before.Cpu,
            MemoryBytes = call.Get(_memory) is { } memory ? Bytes(memory) : before.MemoryBytes,
            DiskBytes = call.Get(_disk) is { } disk ? Bytes(disk) : before.DiskBytes,
            Gpus = call.Get(_gpus) switch
            {
                null => before.Gpus,
                All => null,
                "none" => [],
                var list => [.. Parts(list)],
            },
            Labels = call.Get(_labels) is { Length: > 0 } labels ? Labels(labels) : before.Labels,
            Queues = call.Get(_queues) is { Length: > 0 } queues ? [.. queues.SelectMany(Parts)] : before.Queues,
            Fair = call.Has(_fair) ? call.Get(_fair) : before.Fair,
            Uptime = uptime,
            TimeZone = uptime is null ? null : call.Get(_zone) ?? (call.Has(_uptime) ? Here() : before.TimeZone),
        };
    }

    // How what is not limited can be offered whole again.
    private static Flag<double?> OrAll(Flag<double?> flag)
    {
        var read = flag.CustomParser!;
        flag.CustomParser = result => result.Tokens[0].Value == All ? double.PositiveInfinity : read(result);
        flag.HelpName += $"|{All}";
        return flag;
    }

    private static double? Limit(double number) => double.IsPositiveInfinity(number) ? null : number;

    private static long? Bytes(double gigabytes) => Limit(gigabytes) is { } size ? (long)(size * Gigabyte) : null;

    private static string[] Parts(string list) => list.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);

    // Where it is a copy and no link, /etc/localtime says no name.
    private static string Here() => TimeZoneInfo.TryFindSystemTimeZoneById(TimeZoneInfo.Local.Id, out _)
        ? TimeZoneInfo.Local.Id
        : throw CliException.Usage("The time zone of this machine has no name here: say with --time-zone by which clock --uptime is meant, such as Europe/Zurich.");

    private static Dictionary<string, string> Labels(string[] labels)
    {
        var read = new Dictionary<string, string>();
        foreach (var label in labels)
        {
            if (label == "none")
                continue;
            if (label.Split('=', 2) is not [{ Length: > 0 } key, var value])
                throw CliException.Usage($"--label is '{label}'; KEY=VALUE is expected, such as room=B12.");
            read[key] = value;
        }

        return read;
    }
}
