using System.Security.Cryptography;

namespace Berth.Core.Ids;

/// <summary>
/// Makes ids: 26 characters of Crockford's base 32, the first 10 of them the time, so that they sort by age
/// (https://github.com/ulid/spec).
/// </summary>
public static class Ulid
{
    private const string Alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

    /// <summary>A new id at the clock's present time; 80 of its bits are random.</summary>
    public static string New(TimeProvider clock)
    {
        ArgumentNullException.ThrowIfNull(clock);
        Span<byte> random = stackalloc byte[10];
        RandomNumberGenerator.Fill(random);
        Span<char> text = stackalloc char[26];
        var time = clock.GetUtcNow().ToUnixTimeMilliseconds();
        for (var i = 9; i >= 0; i--, time >>= 5)
            text[i] = Alphabet[(int)(time & 31)];

        var bits = 0;
        var pool = 0;
        var next = 0;
        for (var i = 10; i < 26; i++)
        {
            if (bits < 5)
            {
                pool = (pool << 8) | random[next++];
                bits += 8;
            }

            bits -= 5;
            text[i] = Alphabet[(pool >> bits) & 31];
        }

        return new string(text);
    }

    /// <summary>Whether a text has the form of an id.</summary>
    public static bool IsValid(string? text) =>
        text is { Length: 26 } && text[0] <= '7' && text.All(c => Alphabet.Contains(c, StringComparison.Ordinal));
}
