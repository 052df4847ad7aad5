using System.Text;
using Berth.Contracts.Sessions;
using Berth.Core.Sessions;
using Berth.Server.Options;
using Berth.Server.Sessions;
using Microsoft.Extensions.Logging.Abstractions;

namespace Berth.Server.Tests.Agents;

public sealed class SessionLogsTests : IDisposable
{
    private static readonly SessionKey Key = new("01JZZZZZZZZZZZZZZZZZZZZZZA", 1);
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("berth-logs-");

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public void BytesThatAreThereAlreadyAreSkipped()
    {
        var logs = Open();
        logs.Append(Key, 0, "one\ntwo\n"u8);
        logs.Append(Key, 4, "two\nthree\n"u8);
        logs.Append(Key, 0, "one\n"u8);
        Assert.Equal("one\ntwo\nthree\n", Tail(logs, 100));
        Assert.Equal(14, logs.End(Key));
    }

    [Fact]
    public void ARestartedServerKnowsWhereALogEnds()
    {
        Open().Append(Key, 0, "one\n"u8);
        var logs = Open();
        Assert.Equal(4, logs.End(Key));
        logs.Append(Key, 4, "two\n"u8);
        Assert.Equal("one\ntwo\n", Tail(logs, 100));
    }

    [Fact]
    public void AGapStaysAGap()
    {
        var logs = Open();
        logs.Append(Key, 0, "one\n"u8);
        logs.Append(Key, 1000, "far\n"u8);
        Assert.Equal("one\nfar\n", Tail(logs, 100));
        Assert.Equal(1004, logs.End(Key));
        Assert.Equal(1004, Open().End(Key));
    }

    [Theory]
    [InlineData("a\nb\nc\n", 2, "b\nc\n")]
    [InlineData("a\nb\nc", 2, "b\nc")]
    [InlineData("a\nb\nc\n", 3, "a\nb\nc\n")]
    [InlineData("a\nb\nc\n", 9, "a\nb\nc\n")]
    [InlineData("a\n\n\n", 2, "\n\n")]
    [InlineData("a\n", 0, "")]
    [InlineData("", 5, "")]
    public void TheTailHoldsTheLastLines(string log, int lines, string tail)
    {
        var logs = Open();
        logs.Append(Key, 0, Encoding.UTF8.GetBytes(log));
        Assert.Equal(tail, Tail(logs, lines));
    }

    [Fact]
    public void OfALongLogTheEndIsKeptAndTheTailCrossesFiles()
    {
        var logs = Open();
        var offset = 0L;
        for (var line = 0; line < 600_000; line += 1000)
        {
            var bytes = Encoding.ASCII.GetBytes(string.Concat(Enumerable.Range(line, 1000).Select(n => $"line number {n:D12}\n")));
            logs.Append(Key, offset, bytes);
            offset += bytes.Length;
        }
        Assert.InRange(_folder.EnumerateFiles("*", SearchOption.AllDirectories).Sum(file => file.Length), 5 << 20, 11 << 20);
        var tail = Tail(logs, 300_000);
        Assert.StartsWith("line number 000000300000\n", tail, StringComparison.Ordinal);
        Assert.EndsWith("line number 000000599999\n", tail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task WhoFollowsGetsWhatIsThereThenWhatComesThenTheEnd()
    {
        var logs = Open();
        logs.Append(Key, 0, "old\n"u8);
        var text = new StringBuilder();
        var first = new TaskCompletionSource();
        var following = Task.Run(async () =>
        {
            await foreach (var chunk in logs.FollowAsync(Key, 0, Ct))
            {
                text.Append(Encoding.UTF8.GetString(chunk.Bytes.Span));
                first.TrySetResult();
            }
        }, Ct);
        await first.Task.WaitAsync(Ct);
        logs.Append(Key, 4, "new\n"u8);
        logs.Append(Key, 8, "last\n"u8);
        logs.Finish(Key);
        await following.WaitAsync(TimeSpan.FromSeconds(10), Ct);
        Assert.Equal("old\nnew\nlast\n", text.ToString());
    }

    [Fact]
    public async Task ADeletedLogIsGoneAndNobodyWaitsForIt()
    {
        var logs = Open();
        logs.Append(Key, 0, "old\n"u8);
        await using var follower = logs.FollowAsync(Key, 4, Ct).GetAsyncEnumerator(Ct);
        var next = follower.MoveNextAsync();
        logs.Delete(Key.SessionId);
        Assert.False(await next.AsTask().WaitAsync(TimeSpan.FromSeconds(10), Ct));
        Assert.Empty(_folder.EnumerateFiles("*", SearchOption.AllDirectories));
        Assert.Equal("", Tail(logs, 10));
    }

    [Theory]
    [InlineData("plain\ttext\n", "plain\ttext\n")]
    [InlineData("\e[31mred\e[0m and \e[1;38;5;4mmore\e[K\n", "red and more\n")]
    [InlineData("\e]0;a title\atext \e]8;;http://x\e\\link\e]8;;\e\\\n", "text link\n")]
    [InlineData("10 %\r50 %\r100 %\r\n", "10 %\n50 %\n100 %\n")]
    [InlineData("\e(Bset\b\0\n", "set\n")]
    [InlineData("ünï¢ödé ☃\n", "ünï¢ödé ☃\n")]
    public void PagesGetTextWithoutTerminalEscapesHoweverItIsCut(string log, string text)
    {
        var bytes = Encoding.UTF8.GetBytes(log);
        Assert.Equal(text, LogText.Plain(bytes));
        var pieces = new LogText();
        Assert.Equal(text, string.Concat(bytes.Select(b => pieces.Add([b]))));
    }

    [Theory]
    [InlineData("\e[1;31mred\e[0m and \e[38;5;12mblue", "\e[1;31mred\e[0m and \e[38;5;12mblue")]
    [InlineData("50 %\r100 %\n", "50 %\r100 %\n")]
    [InlineData("\e]0;title\atext\e]52;c;aGFybQ==\e\\end", "textend")]
    [InlineData("\e[2J\e[H\e[6n\e[?1049h\e[>4;2m\e[8;99;99tclear", "clear")]
    [InlineData("\e[3\tm\e[31 mx", "x")]
    [InlineData("\u009b2Ja\bb\ec\eP+q\e\\c", "2Jabc")]
    public void TerminalsGetColoursAndNothingElseThatActsOnThem(string log, string text)
    {
        var bytes = Encoding.UTF8.GetBytes(log);
        Assert.Equal(text, new LogText(forTerminal: true).Add(bytes));
        var pieces = new LogText(forTerminal: true);
        Assert.Equal(text, string.Concat(bytes.Select(b => pieces.Add([b]))));
    }

    private SessionLogs Open() =>
        new(new ServerOptions { DataFolder = _folder.FullName, AgentFolder = "/none" }, NullLogger<SessionLogs>.Instance);

    private static string Tail(SessionLogs logs, int lines) => Encoding.UTF8.GetString(logs.ReadTail(Key, lines));
}
