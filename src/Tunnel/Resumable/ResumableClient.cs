namespace Berth.Tunnel.Resumable;

/// <summary>Opens resumable streams, which are kept going over whatever carriers can be had.</summary>
public static class ResumableClient
{
    /// <summary>Opens one. Until the first carrier is there it is tried again, too.</summary>
    /// <param name="connect">
    /// Opens a carrier. An <see cref="IOException"/> may pass, and it is asked again; everything else is final.
    /// </param>
    /// <param name="request">What the host is asked for.</param>
    /// <param name="options">Times and sizes.</param>
    /// <param name="ct">Gives up.</param>
    /// <exception cref="StreamRefusedException">The host does not give it.</exception>
    /// <exception cref="StreamLostException">No carrier was to be had for as long as a stream is held.</exception>
    public static async Task<ResumableStream> OpenAsync(
        Func<CancellationToken, Task<Stream>> connect, ReadOnlyMemory<byte> request, ResumableOptions options, CancellationToken ct)
    {
        var carrying = new ClientCarrying(connect, request, options, early: false);
        try
        {
            await carrying.Accepted.WaitAsync(ct);
            return carrying.Stream;
        }
        catch
        {
            carrying.Stream.Abort();
            throw;
        }
    }

    /// <summary>
    /// Opens one without waiting for the host's word: what is written goes right behind the request, and its answer is there a
    /// round trip earlier. That the host refuses is heard as a loss by whoever reads or writes.
    /// </summary>
    /// <param name="connect">As of <see cref="OpenAsync"/>.</param>
    /// <param name="request">What the host is asked for.</param>
    /// <param name="options">Times and sizes.</param>
    /// <returns>The stream, and the host's word, which fails as <see cref="OpenAsync"/> does.</returns>
    public static (ResumableStream Stream, Task Accepted) OpenEarly(
        Func<CancellationToken, Task<Stream>> connect, ReadOnlyMemory<byte> request, ResumableOptions options)
    {
        var carrying = new ClientCarrying(connect, request, options, early: true);
        return (carrying.Stream, carrying.Accepted);
    }
}
