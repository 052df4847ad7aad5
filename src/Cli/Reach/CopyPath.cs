using System.Text;

namespace Berth.Cli.Reach;

/// <summary>One end of a copy, as it was typed: <c>NAME:path</c> is in a session, everything else here.</summary>
/// <param name="Typed">As typed.</param>
/// <param name="Session">Its name; empty: the only one; null: this machine.</param>
/// <param name="Path">In bytes, for names need not be text.</param>
internal sealed record CopyPath(string Typed, string? Session, byte[] Path)
{
    private const char NoText = '\uFFFD';

    public static CopyPath Parse(string typed)
    {
        var bytes = typed.Contains(NoText) ? Raw(typed) ?? Encoding.UTF8.GetBytes(typed) : Encoding.UTF8.GetBytes(typed);
        var colon = typed.IndexOf(':');
        // As scp has it: ./a:b is a file of this machine.
        return colon < 0 || typed.AsSpan(0, colon).Contains('/')
            ? new CopyPath(typed, null, bytes)
            : new CopyPath(typed, typed[..colon], bytes[(Array.IndexOf(bytes, (byte)':') + 1)..]);
    }

    /// <summary>The argument's own bytes: .NET has made text of it, which it is not.</summary>
    private static byte[]? Raw(string typed)
    {
        var arguments = File.ReadAllBytes("/proc/self/cmdline");
        foreach (var range in arguments.AsSpan().Split((byte)0))
        {
            if (Blurred(Encoding.UTF8.GetString(arguments.AsSpan()[range])) == Blurred(typed))
                return arguments[range];
        }
        return null;
    }

    // Decoders differ in how many marks they put for what they do not know.
    private static string Blurred(string text)
    {
        while (text.Contains("\uFFFD\uFFFD", StringComparison.Ordinal))
            text = text.Replace("\uFFFD\uFFFD", "\uFFFD", StringComparison.Ordinal);
        return text;
    }
}
