using System.Text;
using Berth.Files.Wire;

namespace Berth.Files.Tests.House;

/// <summary>A copy from folder to folder, by both ends.</summary>
internal sealed class Copy
{
    private readonly List<string> _troubles = [];

    public Drafts Drafts { get; init; } = new();

    /// <summary>Whether the sender is away, as the receiver sees it.</summary>
    public bool IsAway { get; set; }

    public bool HasCalledOff { get; set; }

    public CopyReport Sent { get; private set; } = new();

    public CopyReport Received { get; private set; } = new();

    /// <summary>As the sender heard them.</summary>
    public IReadOnlyList<string> Troubles => _troubles;

    /// <summary>Bytes that went over the line.</summary>
    public long Written { get; private set; }

    public static CancellationToken Ct => TestContext.Current.CancellationToken;

    public static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);

    /// <summary>Copies as <c>cp -r SOURCE... DESTINATION</c> in a folder would.</summary>
    public async Task RunAsync(string folder, string[] sources, string destination, Pair? pair = null, bool makesFolders = false)
    {
        pair ??= new Pair();
        Sent = new CopyReport { Trouble = _troubles.Add };
        Received = new CopyReport();
        using var landing = Landing.Find(Bytes(folder), Bytes(destination), sources.Length > 1, "there", makesFolders);
        using var over = CancellationTokenSource.CreateLinkedTokenSource(Ct);
        var receiving = new Receiver(pair.Receiver, landing, "there", Received, Drafts, new CopyPeer(() => IsAway, pair.Cut, () => HasCalledOff))
            .ReceiveAsync([.. sources.Select(source => CopySource.NameOf(Bytes(source)))], over.Token);
        var sending = new Sender(pair.Sender, "here", Sent).SendAsync([.. sources.Select(source => CopySource.Of(Bytes(folder), Bytes(source)))], Ct);
        try
        {
            await Task.WhenAll(sending, receiving);
        }
        finally
        {
            Written = pair.Written;
        }
    }

    /// <summary>Copies from folder to folder; both are ends that are there or not.</summary>
    public Task RunAsync(string source, string destination, Pair? pair = null) => RunAsync("/", [source], destination, pair);

    /// <summary>Receives what a sender of evil intent sends.</summary>
    public async Task ReceiveAsync(string destination, byte[][] expected, Func<Frames, Task> send)
    {
        var pair = new Pair();
        var frames = new Frames(pair.Sender);
        using var landing = Landing.Find(Bytes("/"), Bytes(destination), expected.Length > 1, "there");
        var receiving = new Receiver(pair.Receiver, landing, "there", Received = new CopyReport { Trouble = _troubles.Add }, Drafts, new CopyPeer(() => false, pair.Cut, () => true))
            .ReceiveAsync(expected, Ct);
        await send(frames);
        await frames.FlushAsync(Ct);
        await receiving;
    }
}
