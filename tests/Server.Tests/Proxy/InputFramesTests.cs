using System.Buffers.Binary;
using Berth.Contracts.Sessions;
using Berth.Fakes;
using Berth.Server.Proxy;
using Berth.Server.Sessions;

namespace Berth.Server.Tests.Proxy;

/// <summary>Which frames of a WebSocket are somebody's doing, however they are cut.</summary>
public sealed class InputFramesTests
{
    private const int Text = 1, Binary = 2, Close = 8, Ping = 9, Pong = 10;
    private readonly ManualClock _clock = new(new DateTimeOffset(2026, 3, 1, 12, 0, 0, TimeSpan.Zero));
    private readonly List<bool> _told = [];
    private readonly InputWatch.Input _input;
    private readonly InputFrames _frames;

    public InputFramesTests()
    {
        var neighbours = new Neighbours(
            _ => null,
            (_, _) => new(true),
            _ => "",
            (_, _, _) => Task.FromResult(Stream.Null),
            (_, _, _) => Task.FromResult<SessionView?>(null),
            (_, _, _) => Task.CompletedTask,
            (_, input) => _told.Add(input),
            (_, _, _) => throw new InvalidOperationException("Nobody reaches a session here."),
            (_, connection) => connection);
        _input = new InputWatch(new SessionDirectory(), neighbours, _clock).Of("s");
        _frames = new InputFrames(_input, _clock);
        _clock.Advance(TimeSpan.FromSeconds(6));
    }

    [Theory]
    [InlineData(Text, 13)]
    [InlineData(Text, 60_000)]
    [InlineData(Text, 70_000)]
    [InlineData(Binary, 200)]
    public void AMessageIsInput(int opcode, int length) => Assert.True(IsInput(Frame(opcode, length)));

    [Theory]
    [InlineData(Text, 1)]      // Engine.IO
    [InlineData(Text, 11)]     // SignalR
    [InlineData(Binary, 13)]   // VS Code
    [InlineData(Ping, 20)]
    [InlineData(Pong, 20)]
    [InlineData(Close, 30)]
    public void AHeartbeatIsNone(int opcode, int length) => Assert.False(IsInput(Frame(opcode, length)));

    [Fact]
    public void AnInputIsFoundBetweenHeartbeatsWhereverTheBytesAreCut()
    {
        byte[] all = [.. Frame(Pong, 0), .. Frame(Binary, 13), .. Frame(Ping, 125), .. Frame(Text, 300)];
        for (var piece = 1; piece < 20; piece++)
        {
            var frames = new InputFrames(_input, _clock);
            _clock.Advance(TimeSpan.FromSeconds(6));
            foreach (var chunk in all[..^308].Chunk(piece))
                frames.See(chunk);
            Assert.False(_input.Take().Now, $"nothing yet, in pieces of {piece}");
            frames = new InputFrames(_input, _clock);
            _clock.Advance(TimeSpan.FromSeconds(6));
            foreach (var chunk in all.Chunk(piece))
                frames.See(chunk);
            Assert.True(_input.Take().Now, $"in pieces of {piece}");
        }
    }

    [Fact]
    public void WhatAPageSaysWhenItConnectsIsNone()
    {
        var frames = new InputFrames(_input, _clock);
        frames.See(Frame(Text, 500));
        Assert.False(_input.Take().Now);
        _clock.Advance(TimeSpan.FromSeconds(5));
        frames.See(Frame(Text, 500));
        Assert.True(_input.Take().Now);
    }

    [Fact]
    public void InputIsToldTwiceAMinuteAndOnceThatItCeased()
    {
        for (var i = 0; i < 1000; i++)
            _input.Note();
        Assert.Empty(_told);
        _clock.Advance(TimeSpan.FromSeconds(30));
        Assert.Equal([true], _told);
        _clock.Advance(TimeSpan.FromSeconds(30));
        Assert.Equal([true, false], _told);
        _clock.Advance(TimeSpan.FromMinutes(10));
        Assert.Equal([true, false], _told);
        _input.Note();
        _clock.Advance(TimeSpan.FromSeconds(30));
        Assert.Equal([true, false, true], _told);
    }

    private bool IsInput(byte[] bytes)
    {
        _frames.See(bytes);
        return _input.Take().Now;
    }

    private static byte[] Frame(int opcode, int length)
    {
        byte[] size = length < 126 ? [(byte)(0x80 | length)] : length < 65536 ? [0xfe, 0, 0] : [0xff, 0, 0, 0, 0, 0, 0, 0, 0];
        if (size.Length == 3)
            BinaryPrimitives.WriteUInt16BigEndian(size.AsSpan(1), (ushort)length);
        if (size.Length == 9)
            BinaryPrimitives.WriteUInt64BigEndian(size.AsSpan(1), (ulong)length);
        // Payloads look like frames: nothing in them may be taken for one.
        return [(byte)(0x80 | opcode), .. size, 1, 2, 3, 4, .. Enumerable.Repeat((byte)0x81, length)];
    }
}
