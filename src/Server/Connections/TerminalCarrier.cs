using System.Text.Json;
using Berth.Contracts.Json;
using Berth.Contracts.Services;
using Berth.Tunnel;
using Berth.Tunnel.Resumable;

namespace Berth.Server.Connections;

/// <summary>
/// A browser's look at a terminal, as a carrier to its session's agent: browsers know nothing of resumable streams, so the
/// server speaks for them, and asks for nothing but a terminal. A line that is lost ends it: the page comes again, and gets
/// the last screen.
/// </summary>
internal static class TerminalCarrier
{
    /// <summary>Speaks for a browser, whose messages are <see cref="ProcessFrames"/>, until either side ends.</summary>
    /// <param name="browser">The browser.</param>
    /// <param name="request">Which terminal.</param>
    /// <param name="window">Bytes that may be on their way to it; null: a page that does not say what it has shown.</param>
    /// <param name="ct">Ends it.</param>
    public static DuplexStream Of(DuplexStream browser, TerminalRequest request, int? window, CancellationToken ct)
    {
        var (client, carrier) = MemoryCarrier.Pair();
        // The last words of a shell that has ended are with the server before they are on the page.
        carrier.Rest = SpeakAsync(browser, client, request, window, ct);
        return carrier;
    }

    private static async Task SpeakAsync(DuplexStream browser, MemoryCarrier client, TerminalRequest request, int? window, CancellationToken ct)
    {
        var used = 0;
        try
        {
            await using var stream = await ResumableClient.OpenAsync(
                _ => Interlocked.Exchange(ref used, 1) == 0
                    ? Task.FromResult<Stream>(client)
                    : throw new InvalidOperationException("The line to the session was lost."),
                JsonSerializer.SerializeToUtf8Bytes<ServiceRequest>(request, ServiceJson.Default.ServiceRequest),
                new ResumableOptions { Window = ProcessFrames.InputWindow },
                ct);
            using var shown = window is { } bytes ? new ShownWindow(browser, stream, bytes) : null;
            await (shown?.PassAsync(ct) ?? Splice.RunAsync(browser, stream, ct));
        }
        catch (StreamRefusedException e)
        {
            await TellAsync(browser, e.Message, ct);
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or InvalidOperationException)
        {
            // The page sees its line end, and comes again where it may.
        }
        finally
        {
            await browser.DisposeAsync();
            await client.DisposeAsync();
        }
    }

    private static async Task TellAsync(DuplexStream browser, string reason, CancellationToken ct)
    {
        using var frames = new ProcessFrames(browser);
        await frames.WriteAsync(ProcessFrameKind.Exit, ProcessFrames.Exit(1, reason), ct);
    }
}
