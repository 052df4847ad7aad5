using Berth.Tunnel.Resumable;
using Berth.Tunnel.Tests.House;
using FsCheck;
using FsCheck.Fluent;

namespace Berth.Tunnel.Tests.Resumable;

/// <summary>Whatever is cut whenever: what arrives is what was sent, in both directions, and no side holds more than its windows.</summary>
public sealed class CutProperties
{
    private const int Window = 16 * 1024;
    private const int EarlyWindow = ResumableWire.EarlyWindow;

    /// <summary>One run.</summary>
    /// <param name="There">Sizes of writes from client to host.</param>
    /// <param name="Back">Sizes of writes from host to client.</param>
    /// <param name="Cuts">Bytes after which each line but the last is cut.</param>
    /// <param name="ReadSize">Of the readers' buffers.</param>
    /// <param name="HostEndsFirst">Whether the host ends its direction before it has read the client's.</param>
    /// <param name="Early">Whether the client writes before the host has answered.</param>
    public sealed record Run(int[] There, int[] Back, int[] Cuts, int ReadSize, bool HostEndsFirst, bool Early);

    [Fact]
    public void NothingIsLostAndNothingIsDoubled()
    {
        var sizes = Gen.OneOf(Gen.Choose(1, 20), Gen.Choose(1, 3000), Gen.Choose(1, 100_000)).ArrayOf();
        // 74 bytes are a client's first words: some lines die before they are answered.
        var cuts = Gen.OneOf(Gen.Choose(0, 120), Gen.Choose(0, 40_000)).ArrayOf();
        var runs =
            from there in sizes
            from back in sizes
            from cut in cuts
            from read in Gen.OneOf(Gen.Choose(1, 50), Gen.Choose(1000, 100_000))
            from first in ArbMap.Default.GeneratorFor<bool>()
            from early in ArbMap.Default.GeneratorFor<bool>()
            select new Run(there, back, cut, read, first, early);
        Prop.ForAll(runs.ToArbitrary(), run => TryAsync(run).WaitAsync(TimeSpan.FromSeconds(60)).GetAwaiter().GetResult())
            .Check(Config.QuickThrowOnFailure.WithMaxTest(150).WithEndSize(25));
    }

    private static async Task TryAsync(Run run)
    {
        var (there, back) = (Bytes(run.There.Sum(), 1), Bytes(run.Back.Sum(), 2));
        var arrived = new TaskCompletionSource<byte[]>();
        var (most, window) = (0L, run.Early ? EarlyWindow : Window);
        var world = new World(
            async (stream, _) =>
            {
                var writing = WriteAsync(stream, back, run.Back, n => most = Math.Max(most, n));
                if (run.HostEndsFirst)
                    await writing;
                arrived.SetResult(await ReadAsync(stream, run.ReadSize));
                await writing;
            },
            attempt => new Line(attempt < run.Cuts.Length ? run.Cuts[attempt] : long.MaxValue),
            new ResumableOptions { Window = window, LastRetry = TimeSpan.FromMilliseconds(1) });

        await using var stream = run.Early ? world.OpenEarly().Stream : await world.OpenAsync();
        var writing = WriteAsync(stream, there, run.There, n => most = Math.Max(most, n));
        var answer = await ReadAsync(stream, run.ReadSize);
        await writing;
        await stream.DeliveredAsync(World.Ct);
        await stream.Ended;
        Assert.Null(stream.Failure);
        Assert.Equal(back, answer);
        Assert.Equal(there, await arrived.Task);
        // A frame that was taken in part is held whole.
        Assert.InRange(most, 0, 2 * window + ResumableWire.MaximumFrame);
    }

    private static byte[] Bytes(int count, int seed)
    {
        var bytes = new byte[count];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    private static async Task WriteAsync(ResumableStream stream, byte[] bytes, int[] sizes, Action<long> held)
    {
        var at = 0;
        foreach (var size in sizes)
        {
            await stream.WriteAsync(bytes.AsMemory(at, size), World.Ct);
            held(stream.Held);
            at += size;
        }
        await stream.CompleteWritesAsync(World.Ct);
    }

    private static async Task<byte[]> ReadAsync(ResumableStream stream, int size)
    {
        using var all = new MemoryStream();
        var buffer = new byte[size];
        while (await stream.ReadAsync(buffer, World.Ct) is not 0 and var count)
            all.Write(buffer, 0, count);
        return all.ToArray();
    }
}
