using Berth.Core.Providers;
using Berth.Core.Sessions;

namespace Berth.Providers.Docker;

/// <summary>
/// Makes one sentence out of the lines that a pull sends for each layer, at most four times a second. Sizes become known
/// as layers begin, so the share may only grow: what was once said is never taken back.
/// </summary>
internal sealed class PullProgress(IProgress<StageReport> progress, TimeProvider time)
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(250);
    private readonly Dictionary<string, Layer> layers = [];
    private long? lastReport;
    private string? lastText;
    private int lastFetched, lastUnpacked;

    public void Add(PullLine line)
    {
        if (line.Id is { } id && line.Status is { } status && Layer.States.Contains(status))
            layers[id] = (layers.GetValueOrDefault(id) ?? new Layer()).With(status, line.ProgressDetail);
        var text = Text();
        if (text == lastText || (lastReport is { } last && time.GetElapsedTime(last) < Interval))
            return;
        lastText = text;
        lastReport = time.GetTimestamp();
        progress.Report(new StageReport(Stage.Pulling, text));
    }

    private string? Text()
    {
        var total = layers.Values.Sum(l => l.Total);
        if (total == 0)
            return null;
        lastFetched = Math.Max(lastFetched, Share(l => l.Fetched));
        lastUnpacked = Math.Max(lastUnpacked, Share(l => l.Unpacked));
        return lastFetched < 100 ? $"{lastFetched} % of {Size(total)}" : $"unpacking, {lastUnpacked} % of {Size(total)}";

        int Share(Func<Layer, long> part) => (int)(100 * layers.Values.Sum(part) / total);
    }

    private static string Size(long bytes) => bytes switch
    {
        >= 10_000_000_000 => $"{bytes / 1e9:0} GB",
        >= 1_000_000_000 => $"{bytes / 1e9:0.0} GB",
        >= 1_000_000 => $"{bytes / 1e6:0} MB",
        _ => $"{Math.Max(1, bytes / 1000)} kB",
    };

    private sealed record Layer(long Total = 0, long Fetched = 0, long Unpacked = 0)
    {
        public static readonly HashSet<string> States =
            ["Downloading", "Verifying Checksum", "Download complete", "Extracting", "Pull complete", "Already exists"];

        public Layer With(string status, PullCount? count)
        {
            var total = count?.Total is > 0 and { } known ? known : Total;
            return status switch
            {
                "Downloading" => this with { Total = total, Fetched = Math.Min(count?.Current ?? 0, total) },
                "Extracting" => this with { Total = total, Fetched = total, Unpacked = Math.Min(count?.Current ?? 0, total) },
                "Pull complete" or "Already exists" => this with { Fetched = Total, Unpacked = Total },
                _ => this with { Fetched = Total },
            };
        }
    }
}
