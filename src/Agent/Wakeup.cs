using System.Threading.Channels;

namespace Berth.Agent;

/// <summary>Wakes one waiter; being told again before it looks changes nothing.</summary>
internal sealed class Wakeup
{
    private readonly Channel<bool> _told = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });

    public void Set() => _told.Writer.TryWrite(true);

    public async Task WaitAsync(CancellationToken ct) => await _told.Reader.ReadAsync(ct);
}
