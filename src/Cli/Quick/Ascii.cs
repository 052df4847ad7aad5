namespace Berth.Cli.Quick;

/// <summary>
/// Bytes to text and back, for ASCII alone: the base library's encodings take six million instructions to be there, a tenth
/// of the quick list. Anything else is left to the ordinary way.
/// </summary>
internal static class Ascii
{
    private const int Longest = 4096;

    /// <exception cref="FormatException">It is not ASCII, or too long for a cell.</exception>
    public static string Text(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length > Longest)
            throw new FormatException();
        Span<char> text = stackalloc char[bytes.Length];
        for (var i = 0; i < bytes.Length; i++)
            text[i] = bytes[i] < 0x80 ? (char)bytes[i] : throw new FormatException();
        return new string(text);
    }

    /// <summary>Of text that is known to be ASCII.</summary>
    public static byte[] Bytes(string text)
    {
        var bytes = new byte[text.Length];
        for (var i = 0; i < bytes.Length; i++)
            bytes[i] = (byte)text[i];
        return bytes;
    }
}
