using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Berth.Providers.Nodes;

/// <summary>Lines of JSON on a stream, of bounded length: neither end trusts the other with its memory.</summary>
/// <param name="stream">Both ways.</param>
/// <param name="most">Bytes that are read from it in all.</param>
internal sealed class NodeLines(Stream stream, long most = long.MaxValue)
{
    private const int Longest = 1 << 20;

    private byte[] _buffer = new byte[4096];
    private int _start;
    private int _end;
    private long _read;

    public async Task WriteAsync<T>(T message, JsonTypeInfo<T> type, CancellationToken ct)
    {
        using var line = new MemoryStream();
        JsonSerializer.Serialize(line, message, type);
        line.WriteByte((byte)'\n');
        await stream.WriteAsync(line.GetBuffer().AsMemory(0, (int)line.Length), ct);
    }

    /// <summary>The next message; null at the end of the stream.</summary>
    /// <exception cref="TooMuchException">A line is too long, or all of them together.</exception>
    /// <exception cref="IOException">The stream was cut.</exception>
    /// <exception cref="JsonException">A line is no message.</exception>
    public async Task<T?> ReadAsync<T>(JsonTypeInfo<T> type, CancellationToken ct)
        where T : class
    {
        var looked = 0;
        while (true)
        {
            var end = _buffer.AsSpan(_start + looked, _end - _start - looked).IndexOf((byte)'\n');
            if (end >= 0)
            {
                var line = _buffer.AsMemory(_start, looked + end);
                _start += looked + end + 1;
                return JsonSerializer.Deserialize(line.Span, type) ?? throw new JsonException("A line holds null.");
            }

            looked = _end - _start;
            if (!await FillAsync(ct))
                return looked == 0 ? null : throw new IOException("The stream ended within a line.");
        }
    }

    private async Task<bool> FillAsync(CancellationToken ct)
    {
        if (_start > 0)
        {
            _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
            (_start, _end) = (0, _end - _start);
        }

        if (_end == _buffer.Length)
        {
            if (_end >= Longest)
                throw new TooMuchException($"a line is longer than {Longest} bytes");
            Array.Resize(ref _buffer, _end * 4);
        }

        var count = await stream.ReadAsync(_buffer.AsMemory(_end), ct);
        _end += count;
        if ((_read += count) > most)
            throw new TooMuchException($"it is longer than {most} bytes");
        return count > 0;
    }
}

/// <summary>The other end says more than is read.</summary>
internal sealed class TooMuchException(string message) : IOException(message);
