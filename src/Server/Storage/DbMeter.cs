using System.Diagnostics.Metrics;

namespace Berth.Server.Storage;

/// <summary>What the server asks of its database, as a metric: work that grows with what does not change shows here first.</summary>
public static class DbMeter
{
    /// <summary>Name of the counter: reads and transactions.</summary>
    public const string Operations = "berth.database.operations";

    private static readonly Meter s_meter = new("Berth.Server");
    private static readonly Counter<long> s_operations = s_meter.CreateCounter<long>(Operations, "{operation}", "Reads and transactions");

    /// <summary>A connection was taken, for one read or one transaction.</summary>
    public static void Opened() => s_operations.Add(1);
}
