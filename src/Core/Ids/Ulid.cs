using System.Security.Cryptography;

namespace Berth.Core.Ids;

/// <summary>
/// Makes ids: 26 characters of Crockford's base 32, the first 10 of them the time, so that they sort by age
/// (https://github.com/ulid/spec). Those that one process makes in the same millisecond sort by age, too, so that what
/// happened at once is told in the order in which it happened.
/// </summary>
public static class Ulid
{
    private const string Alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

    private static readonly Lock Gate = new();
    private static readonly byte[] Last = new byte[10];
    private static long lastTime = -1;

    /// <summary>A new id at the clock's present time; 79 of its bits are random, or one more than those of the last of this millisecond.</summary>
    public static string New(TimeProvider clock)
    {
        ArgumentNullException.ThrowIfNull(clock);
        Span<byte> random = stackalloc byte[10];
        var time = clock.GetUtcNow().ToUnixTimeMilliseconds();
        NextRandom(time, random);
        Span<char> text = stackalloc char[26];
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

    private static void NextRandom(long time, Span<byte> random)
    {
        lock (Gate)
        {
            if (time != lastTime)
            {
                RandomNumberGenerator.Fill(Last);
                Last[0] &= 0x7f; // room to count up
                lastTime = time;
            }
            else
            {
                for (var i = Last.Length - 1; i >= 0 && ++Last[i] == 0; i--)
                {
                    // carried to the next byte
                }
            }

            Last.CopyTo(random);
        }
    }

    /// <summary>Whether a text has the form of an id.</summary>
    public static bool IsValid(string? text) =>
        text is { Length: 26 } && text[0] <= '7' && text.All(c => Alphabet.Contains(c, StringComparison.Ordinal));
}
