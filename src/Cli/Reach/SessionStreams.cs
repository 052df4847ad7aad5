using System.Text.Json;
using Berth.Contracts.Client;
using Berth.Contracts.Json;
using Berth.Contracts.Problems;
using Berth.Contracts.Services;
using Berth.Tunnel;
using Berth.Tunnel.Resumable;

namespace Berth.Cli.Reach;

/// <summary>Opens streams to the services of one session's agent. They outlive lost lines and restarts of the server.</summary>
internal sealed class SessionStreams(ApiClient client, string sessionId, LineReport line, TimeProvider time)
{
    private readonly TaskCompletionSource _refused = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Fails when the server gives no streams to this session any more: it does not run, or is not the caller's.</summary>
    public Task Refused => _refused.Task;

    /// <summary>Opens one.</summary>
    /// <exception cref="StreamRefusedException">The agent does not give it.</exception>
    /// <exception cref="ApiException">The server does not.</exception>
    public async Task<ResumableStream> OpenAsync(ServiceRequest request, CancellationToken ct)
    {
        var opened = false;
        var followed = line.Follow();
        var stream = await ResumableClient.OpenAsync(
            attempt => ConnectAsync(Volatile.Read(ref opened), attempt),
            JsonSerializer.SerializeToUtf8Bytes(request, ServiceJson.Default.ServiceRequest),
            followed.Tell(new ResumableOptions { Time = time }),
            ct);
        Volatile.Write(ref opened, true);
        _ = stream.Ended.ContinueWith(_ => followed.End(), TaskScheduler.Default);
        return stream;
    }

    private async Task<Stream> ConnectAsync(bool again, CancellationToken ct)
    {
        try
        {
            return new TunnelStream(await client.ConnectAsync(sessionId, ct));
        }
        catch (ApiException e) when (!MayPass(e.Problem.Kind, again))
        {
            if (e.Problem.Kind is not ProblemCode.QuotaExceeded && _refused.TrySetException(e))
                _ = _refused.Task.Exception;
            throw;
        }
        catch (Exception e) when (e is ServerUnreachableException or ApiException)
        {
            throw new IOException(e.Message, e);
        }
    }

    // A place that a lost line still holds is free again within seconds.
    private static bool MayPass(ProblemCode kind, bool again) =>
        kind is ProblemCode.Unavailable or ProblemCode.Internal or ProblemCode.TooManyRequests || (again && kind == ProblemCode.QuotaExceeded);
}
