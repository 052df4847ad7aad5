using System.Text;

namespace Berth.Server.Sessions;

/// <summary>
/// Turns a log's bytes into text for pages, piece by piece: UTF-8, without terminal escapes (ECMA-48: CSI, OSC and the
/// like) and control characters. A line that a program overwrites (a progress bar) becomes lines.
/// </summary>
public sealed class LogText
{
    private readonly Decoder _decoder = Encoding.UTF8.GetDecoder();
    private State _state;
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
                _state = c switch
                {
                    '[' => State.ControlSequence,
                    ']' or 'P' or '^' or '_' or 'X' => State.String,
                    >= ' ' and <= '/' => State.Intermediate,
                    _ => State.Text,
                };
                break;
            case State.ControlSequence when c is >= '@' and <= '~':
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
        if (_carriageReturn && c is not ('\n' or '\r'))
            text.Append('\n');
        _carriageReturn = c == '\r';
        if (c is '\n' or '\t' || !char.IsControl(c))
            text.Append(c);
    }
}
