using Berth.Contracts.Health;
using Berth.Server.Options;

namespace Berth.Server.Health;

/// <summary>Whether the data folder has room: a full disk refuses every start, and is better seen before.</summary>
internal sealed class DiskProbe(ServerOptions options) : IHealthProbe
{
    private const long Megabyte = 1_000_000;
    private const long Least = 200 * Megabyte;

    public Task<HealthCheck> CheckAsync(CancellationToken ct)
    {
        var free = new DriveInfo(options.DataFolder).AvailableFreeSpace;
        return Task.FromResult(free >= Least
            ? new HealthCheck("disk", true, null)
            : new HealthCheck("disk", false, $"The disk of {options.DataFolder} has {free / Megabyte} MB left: make room, or sessions can neither be started nor stopped."));
    }
}
