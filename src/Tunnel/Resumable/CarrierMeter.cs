using System.Buffers.Binary;

namespace Berth.Tunnel.Resumable;

/// <summary>
/// For whoever relays a carrier: how far into the stream its bytes are, each way. Frames' headers are no bytes of the stream,
/// and what is said again after a lost line is not counted again. One reader a direction.
/// </summary>
/// <param name="received">How much the client has had before, by its first words.</param>
public sealed class CarrierMeter(long received)
{
    private readonly byte[] _answer = new byte[StreamAnswer.Length];
    private readonly Direction _in = new();
    private readonly Direction _out = new();
    private int _answered;

    /// <summary>Bytes behind the client's first words.</summary>
    /// <returns>The end of what has gone to the host since the stream's begin, where any has on this carrier.</returns>
    public long PassIn(ReadOnlySpan<byte> bytes)
    {
        // Before the answer a client says only what begins its stream.
        _in.Pass(bytes);
        return _in.Reached(BinaryPrimitives.ReadInt64BigEndian(_answer.AsSpan(1)));
    }

    /// <summary>Bytes of the host, its answer among them.</summary>
    /// <returns>The end of what has come from the host since the stream's begin, where any has on this carrier.</returns>
    public long PassOut(ReadOnlySpan<byte> bytes)
    {
        var ofAnswer = Math.Min(bytes.Length, _answer.Length - _answered);
        bytes[..ofAnswer].CopyTo(_answer.AsSpan(_answered));
        _answered += ofAnswer;
        if (_answered == _answer.Length && _answer[0] == 0)
            _out.Pass(bytes[ofAnswer..]);
        return _out.Reached(received);
    }

    private sealed class Direction
    {
        private readonly byte[] _header = new byte[ResumableWire.HeaderLength];
        private int _filled;
        private int _left;
        private long _data;

        public long Reached(long before) => _data == 0 ? 0 : before + _data;

        public void Pass(ReadOnlySpan<byte> bytes)
        {
            while (bytes.Length > 0)
            {
                var payload = Math.Min(_left, bytes.Length);
                if (_header[0] == (byte)FrameType.Data)
                    _data += payload;
                _left -= payload;
                bytes = bytes[payload..];
                var header = Math.Min(_header.Length - _filled, bytes.Length);
                bytes[..header].CopyTo(_header.AsSpan(_filled));
                _filled += header;
                bytes = bytes[header..];
                if (_filled < _header.Length)
                    continue;
                _left = Math.Max(0, BinaryPrimitives.ReadInt32BigEndian(_header.AsSpan(1)));
                _filled = 0;
            }
        }
    }
}
