using System.Globalization;
using System.Text;

namespace Berth.Bench;

/// <summary>Rows of a figure of ours beside a peer's, as Markdown.</summary>
public sealed class Table(string title, string ours, string peer, string unit)
{
    private readonly List<string> _rows = [];

    /// <summary>Adds medians of two samples taken in turn, and their ratio and difference.</summary>
    public Table Add(string what, IReadOnlyList<double> oursSample, IReadOnlyList<double> peerSample, string limit)
    {
        var (a, b) = (Median(oursSample), Median(peerSample));
        _rows.Add(string.Create(
            CultureInfo.InvariantCulture,
            $"| {what} | {a:0.0} ({oursSample.Min():0.0}–{oursSample.Max():0.0}) | {b:0.0} ({peerSample.Min():0.0}–{peerSample.Max():0.0}) | {a / b:0.00} | {a - b:+0.0;-0.0} | {limit} |"));
        return this;
    }

    /// <summary>Adds a figure that has no peer.</summary>
    public Table Add(string what, double figure, string limit)
    {
        _rows.Add(string.Create(CultureInfo.InvariantCulture, $"| {what} | {figure:0.0} | – | – | – | {limit} |"));
        return this;
    }

    /// <inheritdoc/>
    public override string ToString()
    {
        var text = new StringBuilder();
        text.AppendLine(CultureInfo.InvariantCulture, $"**{title}** ({unit}; median, range)");
        text.AppendLine();
        text.AppendLine(CultureInfo.InvariantCulture, $"| | {ours} | {peer} | ratio | difference | wanted |");
        text.AppendLine("|---|---|---|---|---|---|");
        foreach (var row in _rows)
            text.AppendLine(row);
        return text.ToString();
    }

    /// <summary>The middle one.</summary>
    public static double Median(IReadOnlyList<double> sample)
    {
        var sorted = sample.Order().ToList();
        var middle = sorted.Count / 2;
        return sorted.Count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    }
}

/// <summary>What the figures were measured on.</summary>
public static class Machine
{
    public static string Describe()
    {
        var cpu = File.ReadLines("/proc/cpuinfo").FirstOrDefault(l => l.StartsWith("model name", StringComparison.Ordinal))?.Split(':')[1].Trim();
        var memory = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / (1L << 30);
        var load = File.ReadAllText("/proc/loadavg").Split(' ')[0];
        return $"{Environment.ProcessorCount} cores ({cpu}), {memory} GiB, {Environment.OSVersion.VersionString}, load {load} at the begin.";
    }
}
