using System.Text.Json;
using Berth.Contracts.Json;
using Berth.Contracts.Services;
using Berth.Tunnel.Resumable;

namespace Berth.Agent.Services;

/// <summary>Tells which ports are listened on, as they come and go.</summary>
internal sealed class PortsService(TimeProvider time) : IService<PortsRequest>
{
    // The kernel tells nobody: its table is read again.
    private static readonly TimeSpan s_every = TimeSpan.FromSeconds(1);

    public Task<Serving> OpenAsync(PortsRequest request, CancellationToken ct) => Task.FromResult<Serving>(ServeAsync);

    private async Task ServeAsync(ResumableStream stream, CancellationToken lost)
    {
        IReadOnlyList<int>? told = null;
        using var timer = new PeriodicTimer(s_every, time);
        var end = stream.ReadAsync(new byte[1], lost).AsTask();
        do
        {
            var ports = ListeningPorts.Find();
            if (told is null || !ports.SequenceEqual(told))
                await stream.WriteAsync((byte[])[.. JsonSerializer.SerializeToUtf8Bytes(new PortsNow(told = ports), ServiceJson.Default.PortsNow), (byte)'\n'], lost);
        }
        while (await Task.WhenAny(end, timer.WaitForNextTickAsync(lost).AsTask()) != end);
        await end;
    }
}
