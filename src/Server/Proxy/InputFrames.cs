namespace Berth.Server.Proxy;

/// <summary>
/// Looks at the headers of WebSocket frames (RFC 6455, section 5.2) as they pass, however they are cut, and notes those that
/// are input. What they carry is skipped unread.
/// </summary>
public sealed class InputFrames(InputWatch.Input input, TimeProvider clock)
{
    // A page that connects (again) says hello, asks for kernels' state and tells the size of its terminals by itself.
    private static readonly TimeSpan Greeting = TimeSpan.FromSeconds(5);

    // Heartbeats are shorter: Engine.IO's "2" and "3", SignalR's {"type":6}, VS Code's 13 bytes. A key at JupyterLab's
    // terminal is ["stdin","x"].
    private const int ShortestText = 12;
    private const int ShortestBinary = 17;
    private const int Text = 1, Binary = 2;

    private readonly long _opened = clock.GetTimestamp();
    private bool _greeted;
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
            Seen();
            _part = Part.Mask;
        }

        if (_maskBytes == 0)
            _part = _left == 0 ? Part.First : Part.Payload;
    }

    private void Seen()
    {
        if (_opcode is not (Text or Binary) || _left < (_opcode == Text ? ShortestText : (ulong)ShortestBinary))
            return;
        _greeted = _greeted || clock.GetElapsedTime(_opened) >= Greeting;
        if (_greeted)
            input.Note();
    }
}
