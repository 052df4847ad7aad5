using System.Threading.Channels;

namespace Berth.Core;

/// <summary>Wakes one waiter; being told again before it looks changes nothing.</summary>
public sealed class Wakeup
{
    private readonly Channel<bool> _told = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });

    /// <summary>Wakes it, now or when it waits next. Never waits itself.</summary>
    public void Set() => _told.Writer.TryWrite(true);

    /// <summary>Waits until told.</summary>
    public async Task WaitAsync(CancellationToken ct) => await _told.Reader.ReadAsync(ct);
}
