using Berth.Contracts.Services;
using Berth.Tunnel.Resumable;

namespace Berth.Agent.Services;

/// <summary>
/// One kind of <see cref="ServiceRequest"/>. Its stream outlives the connections that carry it: a service never hears of a
/// lost line, only of a lost stream (reads and writes throw <see cref="StreamLostException"/>, the token is cancelled).
/// When what <see cref="OpenAsync"/> returned completes, its direction is ended and what it wrote is delivered; what it
/// throws ends the stream with the exception's message as the reason.
/// </summary>
/// <typeparam name="TRequest">Its request.</typeparam>
internal interface IService<in TRequest>
    where TRequest : ServiceRequest
{
    /// <summary>Prepares what is asked for, before the client is told that it is there.</summary>
    /// <exception cref="StreamRefusedException">It cannot be had: the thing, the reason, the next step, for the user.</exception>
    Task<Serving> OpenAsync(TRequest request, CancellationToken ct);
}
