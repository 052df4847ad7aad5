using System.Text;

namespace Berth.Contracts.Sessions;

/// <summary>
/// Turns a log's bytes into text, piece by piece: UTF-8, without terminal escapes (ECMA-48: CSI, OSC and the like) and
/// control characters, for what a program writes must not move a reader's cursor, fill their clipboard or answer for them.
/// A line that a program overwrites (a progress bar) becomes lines.
/// </summary>
/// <param name="forTerminal">Keep colours, and let lines be overwritten.</param>
public sealed class LogText(bool forTerminal = false)
{
    private const int LongestColour = 40;
    private readonly Decoder _decoder = Encoding.UTF8.GetDecoder();
    private readonly StringBuilder _parameters = new();
    private State _state;
    private bool _isColour;
    private bool _carriageReturn;

    private enum State
    {
        Text,
        Escape,
        ControlSequence,
        /// <summary>OSC, DCS, PM, APC: until BEL or ESC \.</summary>
        String,
        StringEscape,
        /// <summary>ESC with an intermediate character, such as the choice of a character set.</summary>
        Intermediate,
    }

    /// <summary>A whole log, or the end of one.</summary>
    public static string Plain(ReadOnlySpan<byte> bytes) => new LogText().Add(bytes);

    /// <summary>A text that somebody else wrote.</summary>
    public static string Plain(string text) => text.Any(char.IsControl) ? Plain(Encoding.UTF8.GetBytes(text)) : text;

    /// <summary>The text of the next piece. Characters and escapes may be cut between pieces.</summary>
    public string Add(ReadOnlySpan<byte> bytes)
    {
        var chars = new char[Encoding.UTF8.GetMaxCharCount(bytes.Length)];
        var count = _decoder.GetChars(bytes, chars, flush: false);
        var text = new StringBuilder(count);
        foreach (var c in chars.AsSpan(0, count))
            Add(c, text);
        return text.ToString();
    }

    private void Add(char c, StringBuilder text)
    {
        switch (_state)
        {
            case State.Text when c == '\e':
            case State.ControlSequence when c == '\e':
                _state = State.Escape;
                break;
            case State.Text:
                AddText(c, text);
                break;
            case State.Escape:
                _parameters.Clear();
                _isColour = true;
                _state = c switch
                {
                    '[' => State.ControlSequence,
                    ']' or 'P' or '^' or '_' or 'X' => State.String,
                    >= ' ' and <= '/' => State.Intermediate,
                    _ => State.Text,
                };
                break;
            case State.ControlSequence when c is >= '@' and <= '~':
                if (forTerminal && c == 'm' && _isColour)
                    text.Append("\e[").Append(_parameters).Append('m');
                _state = State.Text;
                break;
            case State.ControlSequence:
                _isColour = _isColour && c is >= '0' and <= ';' && _parameters.Length < LongestColour; // digits, colon, semicolon
                if (_isColour)
                    _parameters.Append(c);
                break;
            case State.Intermediate when c is >= '0' and <= '~':
            case State.String when c == '\a':
            case State.StringEscape when c == '\\':
                _state = State.Text;
                break;
            case State.String when c == '\e':
                _state = State.StringEscape;
                break;
            case State.StringEscape:
                _state = State.String;
                break;
        }
    }

    private void AddText(char c, StringBuilder text)
    {
        if (!forTerminal && _carriageReturn && c is not ('\n' or '\r'))
            text.Append('\n');
        _carriageReturn = c == '\r';
        if (c is '\n' or '\t' || (forTerminal && c == '\r') || !char.IsControl(c))
            text.Append(c);
    }
}
