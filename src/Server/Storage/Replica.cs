using System.Globalization;

namespace Berth.Server.Storage;

/// <summary>This server among all that use the database, from its start to its end.</summary>
public sealed class Replica
{
    /// <summary>Like no other's: machine, process, and what tells two starts of the same number apart.</summary>
    public string Name { get; } = string.Create(CultureInfo.InvariantCulture, $"{Environment.MachineName}/{Environment.ProcessId}/{Guid.NewGuid():N}");
}
