namespace Berth.Server.Proxy;

/// <summary>Notes those frames of a visitor's WebSocket that are input.</summary>
public sealed class InputFrames
{
    // A page that connects (again) says hello, asks for kernels' state and tells the size of its terminals by itself.
    private static readonly TimeSpan Greeting = TimeSpan.FromSeconds(5);

    // Heartbeats are shorter: Engine.IO's "2" and "3", SignalR's {"type":6}, VS Code's 13 bytes. A key at JupyterLab's
    // terminal is ["stdin","x"].
    private const int ShortestText = 12;
    private const int ShortestBinary = 17;
    private const int Text = 1, Binary = 2;

    private readonly InputWatch.Input _input;
    private readonly TimeProvider _clock;
    private readonly long _opened;
    private readonly FrameReader _frames;
    private bool _greeted;

    /// <param name="input">What is told.</param>
    /// <param name="clock">Tells how long the WebSocket has been open.</param>
    public InputFrames(InputWatch.Input input, TimeProvider clock)
    {
        (_input, _clock, _opened) = (input, clock, clock.GetTimestamp());
        _frames = new FrameReader(Seen);
    }

    /// <summary>Bytes as they come.</summary>
    public void See(ReadOnlySpan<byte> bytes) => _frames.See(bytes);

    private void Seen(int opcode, ulong length)
    {
        if (opcode is not (Text or Binary) || length < (opcode == Text ? ShortestText : (ulong)ShortestBinary))
            return;
        _greeted = _greeted || _clock.GetElapsedTime(_opened) >= Greeting;
        if (_greeted)
            _input.Note();
    }
}
