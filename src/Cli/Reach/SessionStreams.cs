using System.Text.Json;
using Berth.Contracts.Client;
using Berth.Contracts.Json;
using Berth.Contracts.Problems;
using Berth.Contracts.Services;
using Berth.Tunnel;
using Berth.Tunnel.Resumable;

namespace Berth.Cli.Reach;

/// <summary>Opens streams to the services of one session's agent, and says when the line is lost and when it is back.</summary>
internal sealed class SessionStreams(ApiClient client, string sessionId, ResumableOptions options)
{
    /// <summary>Opens one. It outlives lost lines and restarts of the server.</summary>
    /// <exception cref="StreamRefusedException">The agent does not give it.</exception>
    /// <exception cref="ApiException">The server does not.</exception>
    public Task<ResumableStream> OpenAsync(ServiceRequest request, CancellationToken ct)
    {
        var connected = false;
        return ResumableClient.OpenAsync(
            async attempt =>
            {
                var carrier = await ConnectAsync(connected, attempt);
                connected = true;
                return carrier;
            },
            JsonSerializer.SerializeToUtf8Bytes(request, ServiceJson.Default.ServiceRequest),
            options,
            ct);
    }

    private async Task<Stream> ConnectAsync(bool again, CancellationToken ct)
    {
        try
        {
            return new TunnelStream(await client.ConnectAsync(sessionId, ct));
        }
        catch (Exception e) when (e is ServerUnreachableException || e is ApiException refused && MayPass(refused.Problem.Kind, again))
        {
            throw new IOException(e.Message, e);
        }
    }

    // A place that the lost line still holds is free again within seconds.
    private static bool MayPass(ProblemCode kind, bool again) =>
        kind is ProblemCode.Unavailable or ProblemCode.Internal or ProblemCode.TooManyRequests || again && kind == ProblemCode.QuotaExceeded;
}
