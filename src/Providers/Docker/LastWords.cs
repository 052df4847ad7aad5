using System.Buffers.Binary;
using System.Text;
using System.Text.RegularExpressions;
using Berth.Core.Providers;
using Berth.Core.Sessions;

namespace Berth.Providers.Docker;

/// <summary>The tail of a container's log, fit to be shown.</summary>
internal static partial class LastWords
{
    /// <summary>Bytes that are kept, from the end.</summary>
    public const int Limit = 4096;

    /// <summary>Of a container. A log that cannot be read must not hide that there was an end.</summary>
    public static async Task<string?> OfAsync(DockerClient client, string container, CancellationToken ct)
    {
        try
        {
            return Clean(await client.TailAsync(container, 100, ct));
        }
        catch (ProviderException e) when (e.Reason != Reason.EngineUnreachable)
        {
            return $"(its log cannot be read: {e.Message})";
        }
    }

    /// <summary>
    /// Takes the frames of the API's log stream apart (a byte for the stream, three of nothing, four for the length, the
    /// bytes) and keeps the end.
    /// </summary>
    public static async Task<byte[]> ReadAsync(Stream stream, CancellationToken ct)
    {
        var header = new byte[8];
        var kept = new byte[Limit];
        var length = 0;
        while (await stream.ReadAtLeastAsync(header, header.Length, throwOnEndOfStream: false, ct) == header.Length)
        {
            var frame = new byte[Limit];
            for (long left = BinaryPrimitives.ReadUInt32BigEndian(header.AsSpan(4)), read; left > 0; left -= read)
            {
                read = await stream.ReadAsync(frame.AsMemory(0, (int)Math.Min(left, Limit)), ct);
                if (read == 0)
                    break;
                length = Append(kept, length, frame.AsSpan(0, (int)read));
            }
        }

        return kept[..length];
    }

    /// <summary>As text without escape sequences and control characters, lines kept; null where nothing is left.</summary>
    public static string? Clean(byte[]? bytes)
    {
        if (bytes is null)
            return null;
        var plain = EscapeSequences().Replace(Encoding.UTF8.GetString(bytes), "");
        var text = new string([.. plain.Where(c => c is '\n' or '\t' || !char.IsControl(c))]).Trim();
        return text.Length == 0 ? null : text;
    }

    /// <summary>Appends, pushing out the oldest bytes where there is no room; the new length.</summary>
    private static int Append(byte[] kept, int length, ReadOnlySpan<byte> more)
    {
        var surplus = Math.Max(0, length + more.Length - kept.Length);
        kept.AsSpan(surplus, length - surplus).CopyTo(kept);
        more.CopyTo(kept.AsSpan(length - surplus));
        return length - surplus + more.Length;
    }

    // CSI and OSC sequences of ECMA-48: colours, cursor moves, window titles, links.
    [GeneratedRegex(@"\x1B(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1B]*(?:\x07|\x1B\\)?|[@-Z\\^_])", RegexOptions.NonBacktracking)]
    private static partial Regex EscapeSequences();
}
