namespace Berth.Server.Proxy;

/// <summary>
/// Reads the headers of WebSocket frames (RFC 6455, section 5.2) of one direction as they pass, however they are cut. What
/// they carry is skipped unread.
/// </summary>
/// <param name="seen">Told each frame's opcode and length, once its length is known.</param>
public sealed class FrameReader(Action<int, ulong> seen)
{
    private int _opcode;
    private int _lengthBytes;
    private int _maskBytes;
    private ulong _left;
    private Part _part = Part.First;

    private enum Part
    {
        First,
        Second,
        Length,
        Mask,
        Payload,
    }

    /// <summary>Whether the last frame has passed, and nothing of the next.</summary>
    public bool IsBetweenFrames => _part == Part.First;

    /// <summary>Bytes as they come.</summary>
    public void See(ReadOnlySpan<byte> bytes)
    {
        for (var i = 0; i < bytes.Length;)
        {
            if (_part == Part.Payload)
            {
                var passed = (int)Math.Min((ulong)(bytes.Length - i), _left);
                _left -= (ulong)passed;
                i += passed;
                if (_left == 0)
                    _part = Part.First;
                continue;
            }

            Header(bytes[i++]);
        }
    }

    private void Header(byte value)
    {
        switch (_part)
        {
            case Part.First:
                _opcode = value & 0xf;
                _part = Part.Second;
                return;
            case Part.Second:
                _maskBytes = (value & 0x80) != 0 ? 4 : 0;
                _lengthBytes = (value & 0x7f) switch { 126 => 2, 127 => 8, _ => 0 };
                _left = _lengthBytes == 0 ? (ulong)(value & 0x7f) : 0;
                _part = Part.Length;
                break;
            case Part.Length:
                _left = (_left << 8) | value;
                _lengthBytes--;
                break;
            default:
                _maskBytes--;
                break;
        }

        if (_lengthBytes > 0)
            return;
        if (_part == Part.Length)
        {
            seen(_opcode, _left);
            _part = Part.Mask;
        }

        if (_maskBytes == 0)
            _part = _left == 0 ? Part.First : Part.Payload;
    }
}
