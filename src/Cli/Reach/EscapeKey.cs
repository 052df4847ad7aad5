namespace Berth.Cli.Reach;

/// <summary>
/// Finds <c>~.</c> at the begin of a line among what is typed, as ssh does; <c>~~</c> there is one <c>~</c>. A key that may become
/// it is held back until the next one.
/// </summary>
internal sealed class EscapeKey
{
    private bool _atBegin = true;
    private bool _held;

    /// <summary>Looks at what was typed.</summary>
    /// <param name="typed">As it came.</param>
    /// <param name="passed">What is to be passed on is put here; one longer than what was typed.</param>
    /// <param name="count">How much of it.</param>
    /// <returns>Whether the user wants to leave; nothing behind that counts.</returns>
    public bool Pass(ReadOnlySpan<byte> typed, Span<byte> passed, out int count)
    {
        count = 0;
        foreach (var key in typed)
        {
            if (_held)
            {
                _held = false;
                if (key == '.')
                    return true;
                passed[count++] = (byte)'~';
                _atBegin = false;
                if (key == '~')
                    continue;
            }
            else if (_atBegin && key == '~')
            {
                _held = true;
                continue;
            }
            passed[count++] = key;
            _atBegin = key is (byte)'\r' or (byte)'\n';
        }
        return false;
    }
}
