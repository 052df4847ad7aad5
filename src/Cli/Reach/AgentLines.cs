using System.Buffers;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Berth.Cli.Reach;

/// <summary>Lines of JSON that a session's agent says. Programs of the session may speak for it: a line has a length that is enough.</summary>
internal sealed class AgentLines(Stream stream)
{
    /// <summary>All ports there are take less.</summary>
    private const int Longest = 512 * 1024;

    private readonly byte[] _buffer = new byte[4096];
    private int _start;
    private int _end;

    /// <summary>The next one; null: there are no more.</summary>
    /// <exception cref="IOException">It is not what it should be.</exception>
    public async Task<T?> ReadAsync<T>(JsonTypeInfo<T> type, CancellationToken ct)
        where T : class
    {
        var line = new ArrayBufferWriter<byte>();
        while (line.WrittenCount <= Longest)
        {
            var end = _buffer.AsSpan(_start.._end).IndexOf((byte)'\n');
            line.Write(_buffer.AsSpan(_start.._end)[..(end < 0 ? _end - _start : end)]);
            if (end >= 0)
            {
                _start += end + 1;
                return Parse(line.WrittenSpan, type);
            }
            (_start, _end) = (0, await stream.ReadAsync(_buffer, ct));
            if (_end == 0)
                return null;
        }
        throw NotUnderstood();
    }

    private static T Parse<T>(ReadOnlySpan<byte> line, JsonTypeInfo<T> type)
    {
        try
        {
            return JsonSerializer.Deserialize(line, type) ?? throw NotUnderstood();
        }
        catch (JsonException)
        {
            throw NotUnderstood();
        }
    }

    // What it said is nothing to show.
    private static IOException NotUnderstood() => new(
        "The session's agent said what this command does not understand. Where the command is older than the server, update it; else pause the session and resume it.");
}
