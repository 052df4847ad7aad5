using System.Buffers.Binary;
using Berth.Files.Disk;
using Berth.Files.Wire;

namespace Berth.Files;

/// <summary>
/// Walks what is to be copied and sends it. What cannot be read is told, and the rest goes on. Links are sent as links; only
/// what the user named is looked at through a link.
/// </summary>
/// <param name="stream">To a <see cref="Receiver"/>; what comes back is read, too.</param>
/// <param name="place">Where these files are, for sentences: <c>in the session</c>.</param>
/// <param name="report">Told how far it is.</param>
public sealed class Sender(Stream stream, string place, CopyReport report)
{
    /// <summary>Folders in folders: each one costs both sides an open file.</summary>
    internal const int Deepest = 200;

    /// <summary>From here on it is worth asking whether an earlier copy has left a part.</summary>
    internal const long WorthAsking = 16 * 1024 * 1024;

    // For the other side to hear that it was called off, and to say that it did.
    private static readonly TimeSpan s_calledOffWithin = TimeSpan.FromSeconds(5);

    private readonly Frames _frames = new(stream);
    private readonly Answers _answers = new(report);
    private Task<(long Files, long Bytes)>? _total;
    private CancellationToken _calledOff;

    /// <summary>
    /// Sends all of them, and waits until they are where they should be. Called off, it says so and waits until the other side has
    /// removed what is not whole: between frames, so that the word is understood, and in the stream, where nothing overtakes it.
    /// </summary>
    /// <exception cref="CopyFailedException">The other side cannot take them.</exception>
    /// <exception cref="IOException">The stream is lost.</exception>
    public async Task SendAsync(IReadOnlyList<CopySource> sources, CancellationToken ct)
    {
        using var over = new CancellationTokenSource();
        await using var patience = ct.Register(() => over.CancelAfter(s_calledOffWithin));
        _calledOff = ct;
        var hearing = _answers.HearAsync(_frames, over);
        _total = Task.Run(() => TreeSize.Measure(sources, over.Token), CancellationToken.None);
        try
        {
            foreach (var source in sources)
                await SendSourceAsync(source, over.Token);
            await TellTotalAsync(over.Token);
            await _frames.WriteAsync(FrameKind.Done, over.Token);
            await _frames.FlushAsync(over.Token);
            await hearing;
        }
        catch (OperationCanceledException) when (ct.IsCancellationRequested)
        {
            await CallOffAsync(hearing, over.Token);
            throw;
        }
        catch (OperationCanceledException)
        {
            // The other side has said why, or the stream is lost.
            await hearing;
            throw;
        }
        finally
        {
            await over.CancelAsync();
            await Task.WhenAll(hearing, _total).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task CallOffAsync(Task hearing, CancellationToken ct)
    {
        try
        {
            await _frames.WriteAsync(FrameKind.CalledOff, ct);
            await _frames.FlushAsync(ct);
            await hearing;
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or CopyFailedException)
        {
            // It has ended, one way or another.
        }
    }

    private async Task SendSourceAsync(CopySource source, CancellationToken ct)
    {
        await _frames.WriteAsync(FrameKind.Source, source.Name, ct);
        var (path, name) = Names.Split(source.Path);
        try
        {
            if (name.Length == 0)
            {
                using var folder = Folder.Open(source.Path);
                await SendOpenFolderAsync(folder, source.Name, source.Shown, 1, ct);
                return;
            }
            using var parent = Folder.Open(path);
            var kind = KindOfSource(parent, name);
            if (source.Path[^1] == '/' && kind != EntryKind.Folder)
                throw new DiskException(Posix.NotFolder);
            await SendEntryAsync(parent, name, source.Name, kind, source.Shown, follow: kind != EntryKind.Link, 0, ct);
        }
        catch (DiskException e)
        {
            await TellAsync(e.Error == Posix.NoEntry ? $"'{source.Shown}' does not exist {place}." : Cannot(source.Shown, e), ct);
        }
    }

    /// <summary>A link that leads nowhere is copied as one.</summary>
    private static EntryKind KindOfSource(Folder parent, byte[] name)
    {
        try
        {
            return Folder.KindOf(parent.Look(name, follow: true));
        }
        catch (DiskException e) when (e.Error is Posix.NoEntry or Posix.LinkLoop)
        {
            return Folder.KindOf(parent.Look(name));
        }
    }

    private async Task SendEntryAsync(Folder parent, byte[] name, byte[] sentName, EntryKind kind, string shown, bool follow, int depth, CancellationToken ct)
    {
        _calledOff.ThrowIfCancellationRequested();
        try
        {
            if (kind == EntryKind.Unknown)
                kind = Folder.KindOf(parent.Look(name));
            switch (kind)
            {
                case EntryKind.File:
                    await SendFileAsync(parent, name, sentName, shown, follow, ct);
                    break;
                case EntryKind.Folder when depth >= Deepest:
                    await TellAsync($"'{shown}' {place} was not copied: more than {Deepest} folders in each other.", ct);
                    break;
                case EntryKind.Folder:
                    using (var folder = follow ? parent.OpenNamed(name) : parent.OpenFolder(name))
                        await SendOpenFolderAsync(folder, sentName, shown, depth + 1, ct);
                    break;
                case EntryKind.Link:
                    await SendLinkAsync(parent, name, sentName, ct);
                    break;
                default:
                    await TellAsync($"'{shown}' {place} was not copied: it is a pipe, a socket or a device.", ct);
                    break;
            }
        }
        catch (DiskException e)
        {
            await TellAsync(e.Error == Posix.NoEntry ? $"'{shown}' {place} vanished before it was copied." : Cannot(shown, e), ct);
        }
    }

    private async Task SendOpenFolderAsync(Folder folder, byte[] sentName, string shown, int depth, CancellationToken ct)
    {
        using var entries = folder.Read();
        var meta = Meta.Of(folder.Look("."u8));
        await _frames.WriteAsync(FrameKind.Folder, Described(meta, [], sentName), ct);
        try
        {
            while (entries.Next() is { } entry)
            {
                if (!Names.IsDraft(entry.Name))
                    await SendEntryAsync(folder, entry.Name, entry.Name, entry.Kind, Join(shown, entry.Name), follow: false, depth, ct);
            }
        }
        catch (DiskException e)
        {
            await TellAsync(Cannot(shown, e), ct);
        }
        await _frames.WriteAsync(FrameKind.Up, ct);
    }

    private async Task SendLinkAsync(Folder parent, byte[] name, byte[] sentName, CancellationToken ct)
    {
        var meta = Meta.Of(parent.Look(name));
        var target = parent.ReadLink(name);
        var length = new byte[2];
        BinaryPrimitives.WriteUInt16BigEndian(length, (ushort)sentName.Length);
        await _frames.WriteAsync(FrameKind.Link, Described(meta, length, [.. sentName, .. target]), ct);
        report.AddFile();
    }

    private async Task SendFileAsync(Folder parent, byte[] name, byte[] sentName, string shown, bool follow, CancellationToken ct)
    {
        using var file = parent.OpenFile(name, follow);
        var before = file.Look();
        if (Folder.KindOf(before) != EntryKind.File)
        {
            await TellAsync($"'{shown}' {place} was not copied: something else took its place.", ct);
            return;
        }
        report.Begin(shown);
        var asks = (long)before.Size >= WorthAsking;
        var facts = new byte[9];
        BinaryPrimitives.WriteInt64BigEndian(facts, (long)before.Size);
        facts[8] = asks ? (byte)1 : (byte)0;
        await _frames.WriteAsync(FrameKind.File, Described(Meta.Of(before), facts, sentName), ct);
        if ((asks ? await AgreeAsync(file, shown, ct) : 0) is not { } from)
            return;
        var whole = await SendBytesAsync(file, before, from, shown, ct);
        await _frames.WriteAsync(FrameKind.FileEnd, new[] { whole ? (byte)1 : (byte)0 }, ct);
        if (!whole)
            return;
        report.AddFile();
        var after = file.Look();
        if (Meta.Of(after) != Meta.Of(before) || after.Size != before.Size)
            await TellAsync($"'{shown}' {place} changed while it was copied: copy it again.", ct);
    }

    /// <summary>Where a large file goes on; null: it is not wanted.</summary>
    private async Task<long?> AgreeAsync(OpenFile file, string shown, CancellationToken ct)
    {
        await _frames.FlushAsync(ct);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(ct, _calledOff);
        if (await _answers.NextAsync(either.Token) is not { } have)
            return null;
        var same = have.Length > 0 && Hash(file, have.Length, _calledOff)?.AsSpan().SequenceEqual(have.Hash) == true;
        var from = same ? have.Length : 0;
        if (same)
            report.GoOn(shown, from);
        await _frames.WriteAsync(FrameKind.From, from, ct);
        return from;
    }

    private static byte[]? Hash(OpenFile file, long length, CancellationToken ct)
    {
        try
        {
            return file.Hash(length, ct);
        }
        catch (DiskException)
        {
            // Reading it for sending tells.
            return null;
        }
    }

    /// <returns>Whether it could be read to its end.</returns>
    private async Task<bool> SendBytesAsync(OpenFile file, Posix.Statx found, long from, string shown, CancellationToken ct)
    {
        try
        {
            await new FileBytes(_frames, report, BetweenFramesAsync).SendAsync(file, found, from, ct);
            return true;
        }
        catch (DiskException e)
        {
            await TellAsync(Cannot(shown, e), ct);
            return false;
        }
    }

    private async Task BetweenFramesAsync(CancellationToken ct)
    {
        _calledOff.ThrowIfCancellationRequested();
        if (_total is { IsCompleted: true } && report.Total is null)
            await TellTotalAsync(ct);
    }

    private async Task TellTotalAsync(CancellationToken ct)
    {
        if (report.Total is not null)
            return;
        var (files, bytes) = await _total!.WaitAsync(ct);
        report.SetTotal(files, bytes);
        var payload = new byte[16];
        BinaryPrimitives.WriteInt64BigEndian(payload, files);
        BinaryPrimitives.WriteInt64BigEndian(payload.AsSpan(8), bytes);
        await _frames.WriteAsync(FrameKind.Total, payload, ct);
    }

    private async Task TellAsync(string trouble, CancellationToken ct)
    {
        report.Tell(trouble);
        await _frames.WriteAsync(FrameKind.Trouble, trouble, ct);
    }

    private string Cannot(string shown, DiskException why) => $"'{shown}' {place} cannot be read: {why.Message}.";

    private static byte[] Described(Meta meta, ReadOnlySpan<byte> facts, ReadOnlySpan<byte> name)
    {
        var payload = new byte[Meta.Length + facts.Length + name.Length];
        meta.Write(payload);
        facts.CopyTo(payload.AsSpan(Meta.Length));
        name.CopyTo(payload.AsSpan(Meta.Length + facts.Length));
        return payload;
    }

    private static string Join(string shown, byte[] name) => (shown is "" or "." ? "" : shown.EndsWith('/') ? shown : shown + "/") + Names.Shown(name);
}
