using Berth.Tunnel.Resumable;
using FsCheck;
using FsCheck.Fluent;

namespace Berth.Tunnel.Tests.Resumable;

/// <summary>What is kept for another carrier: whole, in order, and at a price that the window bounds.</summary>
public sealed class ReplayBufferTests
{
    private const int Window = 1 << 20;

    [Theory]
    [InlineData(1)]
    [InlineData(20)]
    [InlineData(700)]
    [InlineData(9000)]
    [InlineData(100_000)]
    public void WritesOfAnySizeBehindASlowReaderTakeAtMostTwiceTheWindow(int size)
    {
        var buffer = new ReplayBuffer { Window = Window };
        var bytes = new byte[size];
        while (buffer.Append(bytes) == size)
            SendAll(buffer);
        Assert.InRange(buffer.Memory, 0, 2 * Window);
        // The peer says what it has taken once that is a quarter of its window.
        Assert.InRange(buffer.Held, Window / 4, Window);
    }

    [Fact]
    public void WhatWasTakenIsGivenBack()
    {
        var buffer = new ReplayBuffer { Window = Window };
        buffer.Append("a key"u8);
        SendAll(buffer);
        buffer.Acknowledge(buffer.Written);
        Assert.Equal((0, 0), (buffer.Memory, buffer.Held));
    }

    [Fact]
    public void WhateverIsSentAcknowledgedAndSentAgainIsWhatWasWritten()
    {
        // What happens next, and how much of what is possible.
        var steps = Gen.Choose(0, 3).SelectMany(what => Gen.OneOf(Gen.Choose(1, 30), Gen.Choose(1, 200_000)).Select(much => (what, much))).ArrayOf();
        Prop.ForAll(steps.ToArbitrary(), Try).Check(Config.QuickThrowOnFailure.WithMaxTest(500).WithEndSize(200));
    }

    private static void Try((int What, int Much)[] steps)
    {
        var buffer = new ReplayBuffer { Window = Window };
        long received = 0;
        foreach (var (what, much) in steps)
        {
            switch (what)
            {
                case 0:
                    var written = buffer.Written;
                    buffer.Append([.. Enumerable.Range(0, much).Select(i => At(written + i))]);
                    break;
                case 1:
                    received = Check(buffer.TakeNext(), received);
                    buffer.Sent();
                    break;
                case 2:
                    buffer.Acknowledge(Math.Min(buffer.Acknowledged + much, received));
                    break;
                case 3:
                    received = Math.Max(received - much, buffer.Written - buffer.Held);
                    buffer.Rewind(received);
                    break;
            }
            Assert.InRange(buffer.Memory, 0, 2 * Window);
        }
        while (buffer.TakeNext() is { IsEmpty: false } frame)
        {
            received = Check(frame, received);
            buffer.Sent();
        }
        Assert.Equal(buffer.Written, received);
        buffer.Acknowledge(received);
        Assert.Equal((0, 0), (buffer.Memory, buffer.Held));
    }

    private static long Check(ReadOnlyMemory<byte> frame, long received)
    {
        foreach (var value in frame.Span[Math.Min(frame.Length, ResumableWire.HeaderLength)..])
            Assert.Equal(At(received++), value);
        return received;
    }

    private static byte At(long number) => (byte)(number * 31 ^ number >> 8);

    private static void SendAll(ReplayBuffer buffer)
    {
        while (!buffer.TakeNext().IsEmpty)
            buffer.Sent();
    }
}
