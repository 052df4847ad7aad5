using System.Buffers.Binary;
using System.Text;
using Berth.Providers.Docker;

namespace Berth.Providers.Tests.Docker;

public sealed class LastWordsTests
{
    [Fact]
    public async Task FramesOfBothStreamsAreJoinedInOrder() =>
        Assert.Equal("one\ntwo\nthree", LastWords.Clean(await ReadAsync((1, "one\n"), (2, "two\n"), (1, "three"))));

    [Fact]
    public async Task OnlyTheEndIsKept()
    {
        var words = await ReadAsync([.. Enumerable.Range(0, 3000).Select(i => (1, $"line {i}\n")), (1, new string('x', 100_000) + "end")]);
        Assert.Equal(LastWords.Limit, words.Length);
        Assert.EndsWith("xend", LastWords.Clean(words), StringComparison.Ordinal);
    }

    [Fact]
    public void ColoursTitlesLinksAndControlCharactersAreLeftOut() =>
        Assert.Equal(
            "red link\n\tübrig",
            LastWords.Clean(Encoding.UTF8.GetBytes("\u001b[1;31mred\u001b[0m \u001b]0;title\u0007\u001b]8;;http://x\u001b\\link\u001b]8;;\u001b\\\r\n\tübrig\0\u0085\u001b[2J\n")));

    [Fact]
    public void NothingIsNoWords()
    {
        Assert.Null(LastWords.Clean(null));
        Assert.Null(LastWords.Clean([]));
        Assert.Null(LastWords.Clean("\u001b[0m\n"u8.ToArray()));
    }

    private static async Task<byte[]> ReadAsync(params (int Stream, string Text)[] frames)
    {
        using var log = new MemoryStream();
        foreach (var (stream, text) in frames)
        {
            var header = new byte[8];
            header[0] = (byte)stream;
            var bytes = Encoding.UTF8.GetBytes(text);
            BinaryPrimitives.WriteUInt32BigEndian(header.AsSpan(4), (uint)bytes.Length);
            log.Write(header);
            log.Write(bytes);
        }

        log.Position = 0;
        return await LastWords.ReadAsync(log, TestContext.Current.CancellationToken);
    }
}
