using System.Net.Sockets;
using System.Text;
using Berth.Server.Tests.Api;

namespace Berth.Server.Tests.Strangers;

/// <summary>What no client would send, byte by byte: it is refused, nothing is a fault, and the server goes on.</summary>
public sealed class NastyTests(ApiServer server) : IClassFixture<ApiServer>
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);
    private const string Post = "POST /api/berth/tokens HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n";

    public static TheoryData<string, string> Rubbish => new()
    {
        { "no HTTP", "\0\u0001\u0002 rubbish\r\n\r\n" },
        { "no host", "GET /api/berth/version HTTP/1.1\r\n\r\n" },
        { "two hosts", "GET /api/berth/version HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n" },
        { "a null character in the path", "GET /api/data/projects/%00 HTTP/1.1\r\nHost: localhost\r\n\r\n" },
        { "a bare line feed in a header", "GET /api/berth/version HTTP/1.1\r\nHost: localhost\r\nX: a\nY: b\0\r\n\r\n" },
        { "a negative length", Post + "Content-Length: -1\r\n\r\n{}" },
        { "a length that is no number", Post + "Content-Length: ten\r\n\r\n{}" },
        { "two lengths", Post + "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{} " },
        { "a length and chunks", Post + "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" },
        { "a huge length", Post + "Content-Length: 99999999999999999999\r\n\r\n{}" },
        { "a length beyond the limit", Post + "Content-Length: 2000000000\r\n\r\n{}" },
        { "chunks that are none", Post + "Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n" },
        { "a chunk with a huge size", Post + "Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n{}\r\n0\r\n\r\n" },
        { "an unknown encoding", Post + "Transfer-Encoding: rubbish\r\n\r\n{}" },
        { "a flood of headers", "GET /api/berth/version HTTP/1.1\r\nHost: localhost\r\n" + string.Concat(Enumerable.Range(0, 500).Select(i => $"X-{i}: y\r\n")) + "\r\n" },
        { "a huge header", "GET /api/berth/version HTTP/1.1\r\nHost: localhost\r\nX: " + new string('x', 100_000) + "\r\n\r\n" },
        { "a huge cookie", "GET /api/data/user HTTP/1.1\r\nHost: localhost\r\nCookie: " + string.Join("; ", Enumerable.Range(0, 2000).Select(i => $"berth-{i}=x")) + "\r\n\r\n" },
        { "a huge token", "GET /api/data/user HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer berth_" + new string('x', 20_000) + "\r\n\r\n" },
        { "a huge path", "GET /" + new string('x', 50_000) + " HTTP/1.1\r\nHost: localhost\r\n\r\n" },
        { "the host of another", "GET http://evil.example/api/berth/version HTTP/1.1\r\nHost: localhost\r\n\r\n" },
        { "a WebSocket that nobody awaits", "GET /api/data/user HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n" },
        { "HTTP/2 without TLS", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" },
    };

    [Theory]
    [MemberData(nameof(Rubbish))]
    public async Task RubbishIsRefused(string what, string bytes)
    {
        var status = await SendAsync(Encoding.UTF8.GetBytes(bytes));
        Assert.True(status is null or (>= 400 and < 500), $"{what}: {status}");
        await StillAnswersAsync();
    }

    [Fact]
    public async Task WhoSendsSlowlyKeepsNobodyWaiting()
    {
        var slow = new List<Socket>();
        try
        {
            for (var i = 0; i < 200; i++)
            {
                var socket = await ConnectAsync();
                slow.Add(socket);
                await socket.SendAsync(Encoding.ASCII.GetBytes(i % 2 == 0 ? "GET /api/berth/version HT" : Post + "Content-Length: 1000\r\n\r\n{"), SocketFlags.None, TestContext.Current.CancellationToken);
            }

            await StillAnswersAsync();
        }
        finally
        {
            slow.ForEach(s => s.Dispose());
        }

        await StillAnswersAsync();
    }

    [Theory]
    [InlineData("[", "]")]
    [InlineData("{\"a\":", "}")]
    public async Task WhatIsNestedTooDeeplyIsRefused(string open, string close)
    {
        var depth = 100_000;
        var body = new StringBuilder().Insert(0, open, depth).Append('1').Insert(0, "{\"name\":").ToString() + new StringBuilder().Insert(0, close, depth) + "}";
        (await server.Owner.SendAsync(HttpMethod.Post, "/api/berth/tokens", body)).Is(422);
        (await server.Owner.SendAsync(HttpMethod.Patch, "/api/data/resource_pools/1", body)).Is(422);
        (await server.Owner.SendAsync(HttpMethod.Post, "/api/data/session_launchers", $"{{\"project_id\":\"x\",\"name\":\"y\",\"environment\":{body}}}")).Is(422);
        await StillAnswersAsync();
    }

    [Fact]
    public async Task ABodyBeyondTheLimitIsRefused()
    {
        var (user, _) = await server.AddUserAsync("bulky");
        var token = user.Http.DefaultRequestHeaders.Authorization!.Parameter;
        Assert.Equal(413, await SendAsync(Encoding.ASCII.GetBytes($"{Post}Authorization: Bearer {token}\r\nContent-Length: 40000000\r\n\r\n{{")));
        await StillAnswersAsync();
    }

    private async Task StillAnswersAsync() => (await server.Anonymous.GetAsync("/api/berth/version").WaitAsync(Patience, TestContext.Current.CancellationToken)).Ok();

    private async Task<Socket> ConnectAsync()
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync("127.0.0.1", server.Address.Port, TestContext.Current.CancellationToken);
        return socket;
    }

    /// <summary>The answer's status; null: the connection was closed without one.</summary>
    private async Task<int?> SendAsync(byte[] bytes)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        limit.CancelAfter(Patience);
        using var socket = await ConnectAsync();
        var answer = new byte[100];
        try
        {
            await socket.SendAsync(bytes, SocketFlags.None, limit.Token);
            var read = await socket.ReceiveAsync(answer, SocketFlags.None, limit.Token);
            return !answer.AsSpan(0, read).StartsWith("HTTP/1.1 "u8) ? null : int.Parse(Encoding.ASCII.GetString(answer, 9, 3));
        }
        catch (SocketException)
        {
            return null;
        }
    }
}
