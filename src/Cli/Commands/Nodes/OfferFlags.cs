using System.CommandLine;
using Berth.Cli.Settings;
using Berth.Contracts.Nodes;

namespace Berth.Cli.Commands.Nodes;

/// <summary>What a machine offers, as flags.</summary>
internal sealed class OfferFlags
{
    private const double Gigabyte = 1L << 30;

    private readonly Flag<string?> _gpus = Flags.Text("--gpus", "Gpus to offer, by number or id, in this order; none for none (all)", "0,1|none");
    private readonly Flag<double?> _cpus = Flags.Number("--cpus", "Cores to offer (all)", "CORES");
    private readonly Flag<double?> _memory = Flags.Size("--memory", "Memory to offer (all)");
    private readonly Flag<double?> _disk = Flags.Size("--disk", "Disk to offer for work of sessions (all that is free)");
    private readonly Flag<string[]> _labels = Flags.Texts("--label", "For people to tell machines apart", "KEY=VALUE");
    private readonly Flag<string[]> _queues = new("--queue", "Queues that it serves, the most important first (default)") { HelpName = "QUEUE", Arity = ArgumentArity.OneOrMore, AllowMultipleArgumentsPerToken = true };
    private readonly Flag<bool> _fair = Flags.Switch("--fair", "Take from the queues in turn, not by their order");
    private readonly Flag<string?> _uptime = Flags.Text("--uptime", "When it may be used, by its own clock, such as 'Mon-Fri 18:00-08:00; Sat-Sun 00:00-24:00' (always)", "TIMES");

    public void AddTo(Command command)
    {
        foreach (var flag in new Option[] { _gpus, _cpus, _memory, _disk, _labels, _queues, _fair, _uptime })
            command.Add(flag);
    }

    public NodeOffer Read(Call call) => new()
    {
        Cpu = call.Get(_cpus),
        MemoryBytes = Bytes(call.Get(_memory)),
        DiskBytes = Bytes(call.Get(_disk)),
        Gpus = call.Get(_gpus) switch
        {
            null => null,
            "none" => [],
            var list => [.. list.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)],
        },
        Labels = Labels(call.Get(_labels) ?? []),
        Queues = call.Get(_queues) is { Length: > 0 } queues ? [.. queues.SelectMany(q => q.Split(',', StringSplitOptions.RemoveEmptyEntries))] : [NodeRoutes.DefaultQueue],
        Fair = call.Get(_fair),
        Uptime = call.Get(_uptime),
        TimeZone = TimeZoneInfo.Local.Id,
    };

    private static long? Bytes(double? gigabytes) => gigabytes is { } size ? (long)(size * Gigabyte) : null;

    private static Dictionary<string, string> Labels(string[] labels)
    {
        var read = new Dictionary<string, string>();
        foreach (var label in labels)
        {
            if (label.Split('=', 2) is not [{ Length: > 0 } key, var value])
                throw CliException.Usage($"--label is '{label}'; KEY=VALUE is expected, such as room=B12.");
            read[key] = value;
        }

        return read;
    }
}
