using Berth.Tunnel.Resumable;

namespace Berth.Tunnel.Tests.House;

/// <summary>A host, and lines to it that the test chooses.</summary>
internal sealed class World
{
    private readonly Func<int, Line?> _lines;
    private int _made;

    /// <param name="serve">What the host does with a stream.</param>
    /// <param name="lines">The line of each attempt, counted from 0; null: there is none to be had.</param>
    /// <param name="options">Of both ends.</param>
    public World(Serving serve, Func<int, Line?>? lines = null, ResumableOptions? options = null)
    {
        Options = options ?? new ResumableOptions();
        Host = new ResumableHost((_, _) => Task.FromResult(serve), Options);
        _lines = lines ?? (_ => new Line());
    }

    public ResumableHost Host { get; }

    public ResumableOptions Options { get; }

    /// <summary>The last line that was made.</summary>
    public Line? Current { get; private set; }

    /// <summary>The host's part in the last line; completes when it has given it up.</summary>
    public Task Served { get; private set; } = Task.CompletedTask;

    /// <summary>Attempts so far.</summary>
    public int Attempts => Volatile.Read(ref _made);

    public static CancellationToken Ct => TestContext.Current.CancellationToken;

    public Task<ResumableStream> OpenAsync() => ResumableClient.OpenAsync(ConnectAsync, "request"u8.ToArray(), Options, Ct);

    public (ResumableStream Stream, Task Accepted) OpenEarly() => ResumableClient.OpenEarly(ConnectAsync, "request"u8.ToArray(), Options);

    public Task<Stream> ConnectAsync(CancellationToken ct)
    {
        if (_lines(Interlocked.Increment(ref _made) - 1) is not { } line)
            throw new IOException("There is no line.");
        Current = line;
        Served = Task.Run(() => Host.ServeAsync(line.Host, CancellationToken.None), CancellationToken.None);
        return Task.FromResult<Stream>(line.Client);
    }

    public static async Task EchoAsync(ResumableStream stream, CancellationToken ct) => await Splice.CopyAsync(stream, stream, null, ct);

    public static async Task<byte[]> ReadAllAsync(Stream stream)
    {
        using var all = new MemoryStream();
        await stream.CopyToAsync(all, Ct);
        return all.ToArray();
    }
}
