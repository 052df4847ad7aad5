using System.Text;
using Berth.Agent.Services.Processes;
using Berth.Contracts.Services;
using Berth.Files;
using Berth.Files.Disk;
using Berth.Tunnel.Resumable;

namespace Berth.Agent.Services;

/// <summary>Takes and gives files. Nothing of the image is needed for that.</summary>
/// <param name="session">Where paths begin.</param>
internal sealed class FilesService(CommandStarter session) : IService<UploadRequest>, IService<DownloadRequest>
{
    private const string Here = "in the session";
    private readonly Drafts _drafts = new();
    private int _running;

    /// <summary>Whether files are copied now.</summary>
    public bool Copies => Volatile.Read(ref _running) > 0;

    public Task<Serving> OpenAsync(UploadRequest request, CancellationToken ct)
    {
        try
        {
            var landing = Landing.Find(Folder, Expand(request.Destination), request.Several, Here, request.MakesFolders);
            return Task.FromResult<Serving>((stream, lost) => ReceiveAsync(stream, landing, lost));
        }
        catch (CopyFailedException e)
        {
            throw new StreamRefusedException(e.Message);
        }
    }

    public Task<Serving> OpenAsync(DownloadRequest request, CancellationToken ct)
    {
        var sources = request.Sources.Select(source => new CopySource(Names.Below(Folder, Expand(source.Path)), source.Name, SessionFile.Shown(source.Path))).ToList();
        return Task.FromResult<Serving>((stream, lost) => SendAsync(stream, sources, lost));
    }

    private byte[] Folder => Encoding.UTF8.GetBytes(session.WorkingDirectory);

    private async Task ReceiveAsync(ResumableStream stream, Landing landing, CancellationToken lost)
    {
        using (landing)
        {
            var sender = new CopyPeer(
                () => !stream.IsCarried,
                () => stream.Abort("The same file was begun again, by another copy."),
                // It says so in the stream.
                () => false);
            await ToldAsync(new Receiver(stream, landing, Here, new CopyReport(), _drafts, sender).ReceiveAsync(null, lost));
        }
    }

    private Task SendAsync(ResumableStream stream, List<CopySource> sources, CancellationToken lost) =>
        ToldAsync(new Sender(stream, Here, new CopyReport()).SendAsync(sources, lost));

    /// <summary>Counts a copy, and waits for its end. Why it failed has been said on the stream itself.</summary>
    private async Task ToldAsync(Task copy)
    {
        Interlocked.Increment(ref _running);
        try
        {
            await copy;
        }
        catch (CopyFailedException)
        {
            // By the protocol: a reset might overtake the words.
        }
        finally
        {
            Interlocked.Decrement(ref _running);
        }
    }

    private byte[] Expand(byte[] path) =>
        path is [(byte)'~'] or [(byte)'~', (byte)'/', ..] && session.Environment.TryGetValue("HOME", out var home)
            ? [.. Encoding.UTF8.GetBytes(home), .. path[1..]]
            : path;
}
