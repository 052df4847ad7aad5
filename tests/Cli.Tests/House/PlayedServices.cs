using System.Text.Json;
using Berth.Contracts.Json;
using Berth.Contracts.Services;
using Berth.Tunnel.Resumable;

namespace Berth.Cli.Tests.House;

/// <summary>Services of an agent that a test plays; what carries them is real.</summary>
internal static class PlayedServices
{
    /// <param name="serve">Serves a request; throws <see cref="StreamRefusedException"/> where it refuses it.</param>
    public static ResumableHost Of(Func<ServiceRequest, Serving> serve) => new(
        (request, _) => Task.FromResult(serve(JsonSerializer.Deserialize(request.Span, ServiceJson.Default.ServiceRequest)!)), new ResumableOptions());

    /// <summary>Whatever is asked for says this, and ends with this code.</summary>
    public static ResumableHost Saying(string output, int code = 0) => Of(_ => async (stream, ct) =>
    {
        using var frames = new ProcessFrames(stream);
        await frames.WriteAsync(ProcessFrameKind.Output, System.Text.Encoding.UTF8.GetBytes(output), ct);
        await frames.WriteAsync(ProcessFrameKind.Exit, ProcessFrames.Exit(code), ct);
        await stream.CompleteWritesAsync(ct);
        await stream.DeliveredAsync(ct);
    });
}
