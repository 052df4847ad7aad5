using System.Buffers.Binary;
using Berth.Files.Disk;
using Berth.Files.Wire;

namespace Berth.Files;

/// <summary>
/// Puts what a <see cref="Sender"/> sends where it should be, and trusts it in nothing: everything has one plain name in a folder that was opened
/// here, no link is followed, nothing but files, folders and links is made, and none with more rights than the nine bits. What
/// cannot be written is told, and the rest goes on.
/// </summary>
/// <param name="stream">From the sender, and back.</param>
/// <param name="landing">Where it goes.</param>
/// <param name="place">Where that is, for sentences: <c>in the session</c>.</param>
/// <param name="report">Told how far it is.</param>
/// <param name="drafts">Of this process.</param>
/// <param name="peer">The sender.</param>
public sealed class Receiver(Stream stream, Landing landing, string place, CopyReport report, Drafts drafts, CopyPeer peer)
{
    private readonly Frames _frames = new(stream);
    private readonly Stack<Level> _levels = new();
    private readonly Settling _settling = new();
    private byte[]? _source;
    private Draft? _draft;
    private byte[] _fileName = [];
    private Meta _fileMeta;
    private string _shown = "";
    private bool _inFile;

    /// <summary>Receives until the sender is done.</summary>
    /// <param name="expected">The names of what was asked for, in order; null: the sender may say them.</param>
    /// <param name="ct">Ends it.</param>
    /// <exception cref="CopyFailedException">Nothing more can be written.</exception>
    /// <exception cref="IOException">The stream is lost, or the sender sends nonsense.</exception>
    public async Task ReceiveAsync(IReadOnlyList<byte[]>? expected, CancellationToken ct)
    {
        var asked = expected is null ? null : new Queue<byte[]>(expected);
        try
        {
            while (await TakeAsync(asked, ct))
            {
            }
            await _settling.WaitAsync(landing.Folder, ct);
            await _frames.WriteAsync(FrameKind.Done, ct);
            await _frames.FlushAsync(ct);
        }
        catch (DiskException e)
        {
            var reason = $"The copy has ended: '{_shown}' {place} cannot be written, {e.Message}.";
            await _frames.WriteAsync(FrameKind.Failed, reason, ct);
            await _frames.FlushAsync(ct);
            throw new CopyFailedException(reason);
        }
        catch (Exception e) when (e is IOException or OperationCanceledException)
        {
            if (_draft is { IsLarge: true } && !peer.HasCalledOff())
                _draft.Keep();
            throw;
        }
        finally
        {
            _draft?.Dispose();
            _settling.Close();
            while (_levels.TryPop(out var level))
                level.Close(isWhole: false);
        }
    }

    /// <returns>Whether more is to come.</returns>
    private async Task<bool> TakeAsync(Queue<byte[]>? asked, CancellationToken ct)
    {
        if (await _frames.ReadAsync(ct) is not { } frame)
            throw new IOException("The other side ended the copy before it was complete.");
        // What stands in a file, and only there; these stand anywhere.
        if (_inFile != (frame.Kind is FrameKind.Data or FrameKind.Hole or FrameKind.FileEnd) && frame.Kind is not (FrameKind.Trouble or FrameKind.Total or FrameKind.CalledOff))
            throw Frames.Malformed();
        switch (frame.Kind)
        {
            case FrameKind.Source:
                TakeSource(frame, asked);
                break;
            case FrameKind.Folder:
                await TakeFolderAsync(frame, ct);
                break;
            case FrameKind.Up:
                await TakeUpAsync(ct);
                break;
            case FrameKind.File:
                await TakeFileAsync(frame, ct);
                break;
            case FrameKind.Data:
                await TryAsync(() => _draft?.Write(frame.Payload.Span), ct);
                report.AddBytes(frame.Payload.Length);
                break;
            case FrameKind.Hole:
                var hole = frame.Number;
                await TryAsync(() => _draft?.Skip(hole), ct);
                report.AddBytes(hole);
                break;
            case FrameKind.FileEnd:
                await TakeFileEndAsync(isWhole: frame.AtLeast(1)[0] != 0, ct);
                break;
            case FrameKind.Link:
                await TakeLinkAsync(frame, ct);
                break;
            case FrameKind.Total:
                report.SetTotal(frame.Number, BinaryPrimitives.ReadInt64BigEndian(frame.AtLeast(16)[8..]));
                break;
            case FrameKind.Trouble:
                report.Tell(frame.Words);
                break;
            case FrameKind.CalledOff:
                throw CalledOff();
            case FrameKind.Done when _levels.Count == 0 && asked is null or { Count: 0 }:
                return false;
            default:
                throw Frames.Malformed();
        }
        return true;
    }

    private void TakeSource(Frame frame, Queue<byte[]>? asked)
    {
        var name = frame.Payload.ToArray();
        var isExpected = asked is null ? name.Length == 0 || Names.IsPlain(name) : asked.TryDequeue(out var wanted) && wanted.AsSpan().SequenceEqual(name);
        if (_levels.Count > 0 || !isExpected)
            throw Frames.Malformed();
        _source = name;
    }

    private async Task TakeFolderAsync(Frame frame, CancellationToken ct)
    {
        var meta = Meta.Read(frame.AtLeast(Meta.Length));
        if (_levels.Count > Sender.Deepest)
            throw Frames.Malformed();
        var (within, name) = Place(frame.Payload.Span[Meta.Length..]);
        Folder? folder = null;
        // A folder that was there and is only added to stays as it is.
        var isThere = name.Length == 0;
        await TryAsync(() => folder = within is null ? null : isThere ? within.Again() : within.MakeFolder(name), ct);
        _levels.Push(new Level(folder, isThere ? null : meta, _shown));
    }

    private async Task TakeUpAsync(CancellationToken ct)
    {
        if (!_levels.TryPop(out var level))
            throw Frames.Malformed();
        _shown = level.Shown;
        await TryAsync(() => level.Close(isWhole: true), ct);
    }

    private async Task TakeFileAsync(Frame frame, CancellationToken ct)
    {
        _fileMeta = Meta.Read(frame.AtLeast(Meta.Length + 9));
        var asks = frame.Payload.Span[Meta.Length + 8] != 0;
        var (within, name) = Place(frame.Payload.Span[(Meta.Length + 9)..]);
        (_fileName, _inFile) = (name, true);
        report.Begin(_shown);
        if (within is not null && name.Length == 0)
            throw Frames.Malformed();
        if (within is not null && _levels.Count == 0 && landing is { Name: not null, IsFolder: true })
        {
            await TellAsync($"'{landing.Shown}' {place} is no folder, and a file is to go there: leave the slash away, or make the folder first.", ct);
            within = null;
        }
        if (asks)
            await TakeLargeFileAsync(within, ct);
        else
            await TryAsync(() => _draft = within is null ? null : Draft.Begin(within, name), ct);
    }

    private async Task TakeLargeFileAsync(Folder? within, CancellationToken ct)
    {
        try
        {
            _draft = within is null ? null : await Draft.BeginLargeAsync(within, _fileName, drafts, peer, ct);
        }
        catch (DiskException e) when (!e.IsForAll)
        {
            await CannotAsync(e, ct);
        }
        if (_draft is null)
        {
            _inFile = false;
            await _frames.WriteAsync(FrameKind.Unwanted, ct);
            await _frames.FlushAsync(ct);
            return;
        }
        var have = new byte[40];
        BinaryPrimitives.WriteInt64BigEndian(have, _draft.Length);
        _draft.Hash(ct).CopyTo(have, 8);
        await _frames.WriteAsync(FrameKind.Have, have, ct);
        await _frames.FlushAsync(ct);
        var answer = await _frames.ReadAsync(ct);
        if (answer is { Kind: FrameKind.CalledOff })
            throw CalledOff();
        if (answer is not { Kind: FrameKind.From } from || from.Number > _draft.Length)
            throw Frames.Malformed();
        if (from.Number > 0)
            report.GoOn(_shown, from.Number);
        _draft.GoOnFrom(from.Number);
    }

    private async Task TakeFileEndAsync(bool isWhole, CancellationToken ct)
    {
        _inFile = false;
        if (_draft is { } draft && isWhole)
        {
            await TryAsync(() =>
            {
                draft.Finish(_fileName, _fileMeta, _settling);
                report.AddFile();
            }, ct);
        }
        _draft?.Dispose();
        _draft = null;
    }

    private async Task TakeLinkAsync(Frame frame, CancellationToken ct)
    {
        var meta = Meta.Read(frame.AtLeast(Meta.Length + 2));
        var length = BinaryPrimitives.ReadUInt16BigEndian(frame.Payload.Span[Meta.Length..]);
        var names = frame.AtLeast(Meta.Length + 2 + length)[(Meta.Length + 2)..];
        var target = names[length..].ToArray();
        if (target.Length == 0 || target.Contains((byte)0))
            throw Frames.Malformed();
        var (within, name) = Place(names[..length]);
        if (within is null)
            return;
        if (name.Length == 0)
            throw Frames.Malformed();
        await TryAsync(() =>
        {
            // Under another name first: what is there is replaced in one step, or not at all.
            var draft = Names.OtherDraft();
            try
            {
                within.MakeLink(draft, target, meta);
                within.Rename(draft, name);
                report.AddFile();
            }
            finally
            {
                within.Remove(draft);
            }
        }, ct);
    }

    /// <summary>Where an entry goes, and under which name; nowhere below what could not be had.</summary>
    private (Folder? Within, byte[] Name) Place(ReadOnlySpan<byte> sent)
    {
        if (_levels.TryPeek(out var level))
        {
            if (!Names.IsPlain(sent))
                throw Frames.Malformed();
            _shown = level.Shown.Length == 0 ? Names.Shown(sent) : $"{level.Shown.TrimEnd('/')}/{Names.Shown(sent)}";
            return (level.Folder, sent.ToArray());
        }
        if (_source is not { } source || !sent.SequenceEqual(source))
            throw Frames.Malformed();
        // One entry each.
        _source = null;
        var name = landing.Name ?? source;
        _shown = landing.Name is not null || source.Length == 0 ? landing.Shown : $"{landing.Shown.TrimEnd('/')}/{Names.Shown(source)}";
        return (landing.Folder, name);
    }

    private static CopyFailedException CalledOff() => new("The copy was called off.");

    /// <summary>Writes; what does not work costs the entry, or the copy where nothing else would work either.</summary>
    private async Task TryAsync(Action write, CancellationToken ct)
    {
        try
        {
            write();
        }
        catch (DiskException e) when (!e.IsForAll)
        {
            _draft?.Dispose();
            _draft = null;
            await CannotAsync(e, ct);
        }
    }

    private Task CannotAsync(DiskException why, CancellationToken ct) => TellAsync($"'{_shown}' {place} cannot be written: {why.Message}.", ct);

    private async Task TellAsync(string trouble, CancellationToken ct)
    {
        report.Tell(trouble);
        await _frames.WriteAsync(FrameKind.Trouble, trouble, ct);
        await _frames.FlushAsync(ct);
    }
}
