using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using Berth.Contracts.Sessions;
using Berth.Core.Sessions;
using Berth.Server.Options;

namespace Berth.Server.Sessions;

/// <summary>A piece of a log. What lies between the end of one and the begin of the next was lost.</summary>
/// <param name="Offset">Of the first byte.</param>
/// <param name="Bytes">Valid until the next chunk is asked for.</param>
public readonly record struct LogChunk(long Offset, ReadOnlyMemory<byte> Bytes)
{
    /// <summary>Offset behind the last byte.</summary>
    public long End => Offset + Bytes.Length;
}

/// <summary>
/// What sessions print: one log a generation, the bytes as they came, terminal escapes and all (see <see cref="LogText"/>).
/// Of a long log only the end is kept.
/// </summary>
public sealed class SessionLogs(ServerOptions options, ILogger<SessionLogs> logger)
{
    private readonly ConcurrentDictionary<SessionKey, Log> _logs = new();

    /// <summary>Offset behind the last byte: what is wanted next.</summary>
    public long End(SessionKey key)
    {
        var log = Get(key);
        lock (log)
            return log.End;
    }

    /// <summary>
    /// Adds bytes at their offset. Those that are there already are skipped, so that sending again does no harm; a gap
    /// stays a gap.
    /// </summary>
    public void Append(SessionKey key, long offset, ReadOnlySpan<byte> bytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        var log = Get(key);
        lock (log)
        {
            var known = (int)Math.Clamp(log.End - offset, 0, bytes.Length);
            if (log.Finished || known == bytes.Length)
                return;
            try
            {
                log.Files.Append(offset + known, bytes[known..]);
            }
            catch (IOException e)
            {
                // A full disk costs the log, not the session.
                logger.LogWarning("{Bytes} bytes of the log of {Session} are lost: {Error}", bytes.Length - known, key, e.Message);
            }
            log.End = offset + bytes.Length;
            log.Signal();
        }
    }

    /// <summary>Says that nothing more will come: those who follow reach the end.</summary>
    public void Finish(SessionKey key)
    {
        var log = Get(key);
        lock (log)
        {
            log.Finished = true;
            log.Signal();
        }
    }

    /// <summary>Removes all logs of a session; those who follow one reach the end.</summary>
    public void Delete(string sessionId)
    {
        foreach (var key in _logs.Keys.Where(key => string.Equals(key.SessionId, sessionId, StringComparison.OrdinalIgnoreCase)))
        {
            Finish(key);
            _logs.TryRemove(key, out _);
        }
        if (Directory.Exists(Folder(sessionId)))
            Directory.Delete(Folder(sessionId), recursive: true);
    }

    /// <summary>Offset of the first of the last lines: where to begin to read.</summary>
    public long TailOffset(SessionKey key, int maxLines) => Files(key).TailOffset(maxLines);

    /// <summary>The last lines; empty when there are none.</summary>
    public byte[] ReadTail(SessionKey key, int maxLines)
    {
        using var tail = new MemoryStream();
        foreach (var chunk in Files(key).Read(TailOffset(key, maxLines)))
            tail.Write(chunk.Bytes.Span);
        return tail.ToArray();
    }

    /// <summary>What is kept from an offset on, then what comes, until <see cref="Finish"/>.</summary>
    public async IAsyncEnumerable<LogChunk> FollowAsync(SessionKey key, long offset, [EnumeratorCancellation] CancellationToken ct)
    {
        var log = Get(key);
        while (true)
        {
            // Taken before reading: whatever comes meanwhile completes it.
            var changed = log.Changed;
            var finished = log.Finished;
            foreach (var chunk in log.Files.Read(offset))
            {
                yield return chunk;
                offset = chunk.End;
            }
            if (finished)
                yield break;
            await changed.WaitAsync(ct);
        }
    }

    private Log Get(SessionKey key) => _logs.GetOrAdd(key, k => new Log(Files(k)));

    private LogFiles Files(SessionKey key) => new(Path.Combine(Folder(key.SessionId), $"{key.Generation}"));

    private string Folder(string sessionId) => Path.Combine(options.LogsFolder, sessionId.ToLowerInvariant());

    /// <summary>What is known of a log while the server runs; locked by who changes it.</summary>
    private sealed class Log(LogFiles files)
    {
        private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private volatile bool _finished;

        public LogFiles Files => files;
        public long End { get; set; } = files.End();
        public bool Finished { get => _finished; set => _finished = value; }
        public Task Changed => Volatile.Read(ref _changed).Task;

        public void Signal() =>
            Interlocked.Exchange(ref _changed, new(TaskCreationOptions.RunContinuationsAsynchronously)).SetResult();
    }
}
