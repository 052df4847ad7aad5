using System.IO.Pipelines;
using Berth.Tunnel;

namespace Berth.Server.Connections;

/// <summary>One end of a byte stream within this process; what is written to it is read at the other.</summary>
internal sealed class MemoryCarrier : DuplexStream
{
    private readonly PipeReader _in;
    private readonly Stream _reads;
    private readonly PipeWriter _out;

    private MemoryCarrier(PipeReader incoming, PipeWriter outgoing) =>
        (_in, _reads, _out) = (incoming, incoming.AsStream(leaveOpen: true), outgoing);

    /// <summary>What is still to be done with what came from it once it is closed; its disposal waits for that.</summary>
    public Task Rest { private get; set; } = Task.CompletedTask;

    /// <summary>Both ends.</summary>
    public static (MemoryCarrier One, MemoryCarrier Other) Pair()
    {
        var (there, back) = (new Pipe(), new Pipe());
        return (new MemoryCarrier(back.Reader, there.Writer), new MemoryCarrier(there.Reader, back.Writer));
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        try
        {
            return await _reads.ReadAsync(buffer, cancellationToken);
        }
        catch (Exception e) when (e is InvalidOperationException || e is OperationCanceledException && !cancellationToken.IsCancellationRequested)
        {
            throw new IOException("It was closed.", e);
        }
    }

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        try
        {
            // The other end that has gone is no error to a pipe.
            if ((await _out.WriteAsync(buffer, cancellationToken)).IsCompleted)
                throw new IOException("The other end was closed.");
        }
        catch (InvalidOperationException e)
        {
            throw new IOException("It was closed.", e);
        }
    }

    public override async Task CompleteWritesAsync(CancellationToken ct = default) => await _out.CompleteAsync();

    public override void Abort()
    {
        var aborted = new IOException("The connection was aborted.");
        _out.Complete(aborted);
        _in.CancelPendingRead();
        _in.Complete(aborted);
    }

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        await Rest;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            Abort();
        base.Dispose(disposing);
    }
}
