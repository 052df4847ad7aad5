using Berth.Contracts.Services;

namespace Berth.Tunnel.Tests.Services;

public sealed class ProcessFramesTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task WhatWasWrittenIsReadHoweverLongItIs()
    {
        var bytes = new byte[3 * ProcessFrames.MaximumPayload + 7];
        new Random(1).NextBytes(bytes);
        using var stream = new MemoryStream();
        using var frames = new ProcessFrames(stream);
        await frames.WriteAsync(ProcessFrameKind.Output, bytes, Ct);
        await frames.WriteAsync(ProcessFrameKind.Input, default, Ct);
        await frames.WriteAsync(ProcessFrameKind.Exit, ProcessFrames.Exit(137, "killed"), Ct);
        await frames.WriteAsync(ProcessFrameKind.Resize, ProcessFrames.Size(new TerminalSize(50, 500)), Ct);

        stream.Position = 0;
        var read = new MemoryStream();
        while (read.Length < bytes.Length)
        {
            var part = Assert.NotNull(await frames.ReadAsync(Ct));
            Assert.Equal(ProcessFrameKind.Output, part.Kind);
            read.Write(part.Payload.Span);
        }
        Assert.Equal(bytes, read.ToArray());
        Assert.Equal((ProcessFrameKind.Input, 0), (await frames.ReadAsync(Ct)) is { } end ? (end.Kind, end.Payload.Length) : default);
        Assert.Equal((137, "killed"), ProcessFrames.Exit((await frames.ReadAsync(Ct))!.Value.Payload));
        Assert.Equal(new TerminalSize(50, 500), ProcessFrames.Size((await frames.ReadAsync(Ct))!.Value.Payload));
        Assert.Null(await frames.ReadAsync(Ct));
    }

    [Theory]
    [InlineData(new byte[] { 16, 0, 0 })]
    [InlineData(new byte[] { 16, 0, 0, 0, 3, 1 })]
    [InlineData(new byte[] { 16, 0, 1, 0, 1 })]
    [InlineData(new byte[] { 16, 255, 255, 255, 255 })]
    public async Task WhatIsCutOffOrTooLongIsRefused(byte[] bytes)
    {
        using var frames = new ProcessFrames(new MemoryStream(bytes));
        await Assert.ThrowsAnyAsync<IOException>(async () => await frames.ReadAsync(Ct));
    }
}
