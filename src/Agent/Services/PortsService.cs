using System.Text.Json;
using Berth.Contracts.Json;
using Berth.Contracts.Services;
using Berth.Tunnel.Resumable;

namespace Berth.Agent.Services;

/// <summary>Tells which ports are listened on, as they come and go.</summary>
internal sealed class PortsService(PortWatch watch) : IService<PortsRequest>
{
    public Task<Serving> OpenAsync(PortsRequest request, CancellationToken ct) => Task.FromResult<Serving>(ServeAsync);

    private async Task ServeAsync(ResumableStream stream, CancellationToken lost)
    {
        var end = stream.ReadAsync(new byte[1], lost).AsTask();
        PortWatch.Sight seen;
        do
        {
            seen = watch.Now;
            await stream.WriteAsync((byte[])[.. JsonSerializer.SerializeToUtf8Bytes(new PortsNow(seen.Ports), ServiceJson.Default.PortsNow), (byte)'\n'], lost);
        }
        while (await Task.WhenAny(end, seen.Changed) != end);
        await end;
    }
}
