using System.Runtime.InteropServices;
using Berth.Tunnel;
using Berth.Tunnel.Resumable;

namespace Berth.Cli.Ssh;

/// <summary>Standard input and output as one end of a stream, for a client that started this process as its connection.</summary>
internal sealed class StdioConnection(Surroundings here)
{
    private const int BufferBytes = 64 * 1024;
    private static readonly TimeSpan s_lastWords = TimeSpan.FromSeconds(10);

    /// <summary>
    /// Passes bytes until the session's side has ended. The end of the client is told to that side, which answers with its own;
    /// where the line is lost just then, nobody waits for it for long.
    /// </summary>
    /// <exception cref="StreamLostException">It was lost.</exception>
    public async Task RunAsync(ResumableStream stream, CancellationToken ct)
    {
        // A client that ends says so by this signal, too; what it wrote last is still to be read.
        using var hangup = PosixSignalRegistration.Create(PosixSignal.SIGHUP, context => context.Cancel = true);
        using var left = CancellationTokenSource.CreateLinkedTokenSource(ct);
        await using var output = here.BytesOut();
        // Reads of standard input cannot be called off: they end with this process.
        _ = Task.Factory.StartNew(() => PassInputAsync(stream, left), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        try
        {
            await Splice.CopyAsync(stream, output, null, left.Token);
        }
        catch (Exception e) when (!ct.IsCancellationRequested && stream.Failure is null && e is IOException or OperationCanceledException)
        {
            // The client has gone.
        }
    }

    private async Task PassInputAsync(ResumableStream stream, CancellationTokenSource left)
    {
        try
        {
            await using var input = here.BytesIn();
            var buffer = new byte[BufferBytes];
            while (input.Read(buffer) is > 0 and var count)
                await stream.WriteAsync(buffer.AsMemory(0, count));
            left.CancelAfter(s_lastWords);
            await stream.CompleteWritesAsync();
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException)
        {
            // The connection is lost or over: who reads from it hears of it.
        }
    }
}
