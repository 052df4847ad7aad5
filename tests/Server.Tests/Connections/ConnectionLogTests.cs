using System.Net.WebSockets;
using System.Text.Json;
using Berth.Contracts.Client;
using Berth.Contracts.Json;
using Berth.Contracts.Services;
using Berth.Contracts.Sessions;
using Berth.Server.Connections;
using Berth.Server.Proxy;
using Berth.Server.Sessions;
using Berth.Server.Storage;
using Berth.Server.Tests.Api;
using Berth.Server.Tests.Storage;
using Berth.Server.Tests.Strangers;
using Berth.Tunnel;
using Berth.Tunnel.Resumable;
using Dapper;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;

namespace Berth.Server.Tests.Connections;

/// <summary>The same on PostgreSQL.</summary>
public sealed class PostgresSessionWorld(PostgresFixture postgres) : SessionWorld
{
    protected override async ValueTask<string?> DatabaseUrlAsync() => await postgres.CreateDatabaseAsync();
}

public sealed class ConnectionLogOnSqliteTests(SessionWorld world) : ConnectionLogTests(world), IClassFixture<SessionWorld>;

[Trait("Needs", "postgres")]
public sealed class ConnectionLogOnPostgresTests(PostgresSessionWorld world) : ConnectionLogTests(world), IClassFixture<PostgresSessionWorld>;

/// <summary>Who was connected to what is written down.</summary>
public abstract class ConnectionLogTests(SessionWorld world)
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private ConnectionLog Log => world.Services.GetRequiredService<ConnectionLog>();

    [Fact]
    public async Task AStreamIsWrittenDownWithItsBytesAndItsEnd()
    {
        var (user, _) = await world.AddUserAsync("anna");
        var (other, _) = await world.AddUserAsync("bodo");
        var session = await world.RunAsync(user);
        using var client = ApiClient.ForServer(world.Address, user.Http.DefaultRequestHeaders.Authorization!.Parameter!);
        await using (var stream = await ResumableClient.OpenAsync(
            async ct => new TunnelStream(await client.ConnectAsync(session, ct)),
            JsonSerializer.SerializeToUtf8Bytes(new TcpRequest(3000), ServiceJson.Default.ServiceRequest), new ResumableOptions(), Ct))
        {
            await stream.WriteAsync(new byte[1000], Ct);
            await stream.ReadExactlyAsync(new byte[1000], Ct);
            await Berth.Fakes.Eventually.TrueAsync(
                async () => await client.SessionConnectionsAsync(session, Ct) is [{ BytesIn: 1000, BytesOut: 1000 }], "its bytes are written down while it is open", TimeSpan.FromSeconds(20));
            var open = Assert.Single(await client.SessionConnectionsAsync(session, Ct));
            Assert.Equal(("tcp", "port 3000", "127.0.0.1", "anna", null), (open.Kind, open.Target, open.From, open.Username, open.EndedAt));
        }
        ConnectionView? ended = null;
        await Berth.Fakes.Eventually.TrueAsync(
            async () =>
            {
                ended = Assert.Single(await client.SessionConnectionsAsync(session, Ct));
                return ended.EndedAt is not null;
            },
            "its end is written down");
        Assert.Equal((1000, 1000), (ended!.BytesIn, ended.BytesOut));
        Assert.False(ended.Lost);

        (await other.GetAsync($"/api/berth/sessions/{session}/connections")).Refused(404);
        Assert.Contains((await world.Owner.GetAsync("/api/berth/connections?user=anna")).Ok().EnumerateArray(), of => of.Text("id") == ended.Id);
        Assert.Empty((await world.Owner.GetAsync("/api/berth/connections?user=bodo")).Ok().EnumerateArray());
    }

    [Fact]
    public async Task WhatComesBackIsOneConnection()
    {
        var (user, id) = await world.AddUserAsync("carl");
        var session = await world.RunAsync(user);
        var first = Log.Begin(session, id, "stream", "tcp", "port 1", "local");
        first.ReachIn(10);
        first.Leave();
        await Log.WriteAsync(Ct);
        var ended = Assert.Single((await user.GetAsync($"/api/berth/sessions/{session}/connections")).Ok().EnumerateArray());
        Assert.NotNull(ended.TextOrNull("ended_at"));

        var second = Log.Begin(session, id, "stream", "unknown", null, "local");
        Assert.NotSame(first, second);
        second.ReachIn(15);
        await Fakes.Eventually.TrueAsync(async () => await ListAsync(user, session) is [{ BytesIn: 15 }], "its bytes go on from there", TimeSpan.FromSeconds(20));
        var back = Assert.Single((await user.GetAsync($"/api/berth/sessions/{session}/connections")).Ok().EnumerateArray());
        Assert.Equal((ended.Text("id"), "tcp", "port 1", null, 15), (back.Text("id"), back.Text("kind"), back.Text("target"), back.TextOrNull("ended_at"), back.Int("bytes_in")));
    }

    [Fact]
    public async Task WhatIsSaidAgainAfterALostLineIsNotCountedAgain()
    {
        const int Size = 3_000_000;
        var (user, _) = await world.AddUserAsync("cleo");
        var session = await world.RunAsync(user);
        // A line that is cut is cut with much on its way, which is said again on the next one.
        var lines = 0;
        await using var cutting = new Fakes.CuttingRelay(world.Address.Port) { CutAfter = () => Interlocked.Increment(ref lines) <= 4 ? 900_000 : null };
        using var client = ApiClient.ForServer(new UriBuilder(world.Address) { Port = cutting.Port }.Uri, user.Http.DefaultRequestHeaders.Authorization!.Parameter!);
        await using (var stream = await ResumableClient.OpenAsync(
            async ct =>
            {
                try
                {
                    return new TunnelStream(await client.ConnectAsync(session, ct));
                }
                catch (ServerUnreachableException e)
                {
                    throw new IOException(e.Message, e);
                }
            },
            JsonSerializer.SerializeToUtf8Bytes(new TcpRequest(3000), ServiceJson.Default.ServiceRequest), new ResumableOptions(), Ct))
        {
            var sending = stream.WriteAsync(new byte[Size], Ct).AsTask();
            await stream.ReadExactlyAsync(new byte[Size], Ct);
            await sending;
            await stream.CompleteWritesAsync(Ct);
            await stream.DeliveredAsync(Ct);
        }
        Assert.Equal(4, cutting.Cuts);
        await Fakes.Eventually.TrueAsync(
            async () =>
            {
                await Log.WriteAsync(Ct);
                return Assert.Single(await client.SessionConnectionsAsync(session, Ct)) is { EndedAt: not null, BytesIn: Size, BytesOut: Size };
            },
            "its bytes are counted once");
    }

    [Fact]
    public async Task WhatAServerLeftOpenIsClosedWhenItWasLastSeen()
    {
        var (user, id) = await world.AddUserAsync("dina");
        var session = await world.RunAsync(user);
        await world.Db.ExecuteAsync(
            """
            INSERT INTO connections (id, session_id, stream, user_id, kind, address, started_at, seen_at, lost, bytes_in, bytes_out)
            VALUES (@id, @session, 's', @user, 'tcp', 'local', 1000, 2000, @no, 0, 0)
            """,
            new { id = "01JQ8Z4N6T3V5W7X9Y1A2B3C4D", session, user = id, no = false }, Ct);
        await Log.CloseLostAsync(all: true, Ct);
        var closed = Assert.Single((await user.GetAsync($"/api/berth/sessions/{session}/connections")).Ok().EnumerateArray());
        Assert.True(closed.GetProperty("lost").GetBoolean());
        Assert.Equal(DateTimeOffset.FromUnixTimeMilliseconds(2000), closed.GetProperty("ended_at").GetDateTimeOffset());
    }

    [Fact]
    public async Task WhatBeginsIsWrittenAtOnceAndWhatHasPassedEveryFewSeconds()
    {
        var (user, id) = await world.AddUserAsync("gina");
        var session = await world.RunAsync(user);
        await using var running = await RunningLog.StartAsync(world.Db);
        var noted = running.Log.Begin(session, id, "at-once", "tcp", "port 1", "local");
        // The clock stands still: nothing is written because time has passed.
        await Fakes.Eventually.TrueAsync(async () => await ListAsync(user, session) is [{ EndedAt: null, BytesIn: 0 }], "its begin is written down");

        noted.ReachIn(1000);
        await running.UntilAsync(async () => await ListAsync(user, session) is [{ EndedAt: null, BytesIn: 1000 }], "its bytes are written down");
        noted.ReachIn(2000);
        await running.UntilAsync(async () => await ListAsync(user, session) is [{ EndedAt: null, BytesIn: 2000 }], "its bytes are kept current");
        noted.Leave();
        await running.UntilAsync(async () => await ListAsync(user, session) is [{ EndedAt: not null, BytesIn: 2000 }], "its end is written down");
    }

    [Fact]
    public async Task ABrowsersVisitHasItsBytesHoweverTheyPassed()
    {
        const int Down = 1_000_000, Up = 300_000, Socket = 50_000;
        var (user, id) = await world.AddUserAsync("emma");
        var session = await world.RunAsync(user);
        var origin = world.OriginOf(session);
        using var browser = await world.EnterAsync(id, session);
        await (await browser.FetchAsync($"{origin}/download?bytes={Down}")).Content.ReadAsByteArrayAsync(Ct);
        (await browser.SendAsync(new HttpRequestMessage(HttpMethod.Post, origin + "/upload") { Content = new ByteArrayContent(new byte[Up]) })).Dispose();
        using var socket = await browser.SocketAsync(origin + "/socket", origin);
        await socket.SendAsync(new byte[Socket], WebSocketMessageType.Binary, true, Ct);
        for (var read = 0; read < Socket;)
            read += (await socket.ReceiveAsync(new byte[Socket], Ct)).Count;
        await Fakes.Eventually.TrueAsync(
            async () =>
            {
                await Log.WriteAsync(Ct);
                return await ListAsync(user, session) is [{ EndedAt: null, BytesIn: >= Up + Socket and < Up + Socket + 20_000, BytesOut: >= Down + Socket and < Down + Socket + 20_000 }];
            },
            "one visit has all that passed", TimeSpan.FromSeconds(20));
        var visit = Assert.Single(await ListAsync(user, session));
        Assert.Equal(("browser", "127.0.0.1", "emma"), (visit.Kind, visit.From, visit.Username));

        // The same user elsewhere is another one.
        using var other = await world.EnterAsync(id, session);
        await Fakes.Eventually.TrueAsync(async () => (await ListAsync(user, session)).Count == 2, "another sign-in is another visit");
        var page = await (await browser.OpenAsync($"{world.Origin}/sessions/{session}")).Content.ReadAsStringAsync(Ct);
        Assert.Contains("aria-label=\"Connections\"", page, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ABrowserThatPausesStaysAndOneThatDoesNotComeBackHasLeft()
    {
        var (user, id) = await world.AddUserAsync("hans");
        var session = await world.RunAsync(user);
        await using var running = await RunningLog.StartAsync(world.Db);
        var visit = new Visit(1, new SessionOrigin(session, 8080), () => running.Log.BeginVisit(new SessionOrigin(session, 8080), id, "192.0.2.7"));
        using (var first = visit.Take(new MemoryStream(), Stream.Null))
            await first.WriteAsync(new byte[10], Ct);
        running.Clock.Advance(TimeSpan.FromSeconds(50));
        long left;
        using (var second = visit.Take(new MemoryStream(), Stream.Null))
        {
            await second.WriteAsync(new byte[10], Ct);
            running.Clock.Advance(TimeSpan.FromMinutes(10));
            await running.UntilAsync(async () => await ListAsync(user, session) is [{ EndedAt: null, BytesIn: 20, Target: "port 8080", From: "192.0.2.7" }], "it is one visit");
            left = running.Clock.GetUtcNow().ToUnixTimeMilliseconds();
        }
        await running.UntilAsync(
            async () => await ListAsync(user, session) is [{ EndedAt: { } ended }] && ended.ToUnixTimeMilliseconds() == left, "it ended when the browser left");

        await running.Log.WriteAsync(Ct);
        using var later = visit.Take(new MemoryStream(), Stream.Null);
        await running.UntilAsync(async () => await ListAsync(user, session) is [{ EndedAt: null, BytesIn: 0 }, { EndedAt: not null }], "who comes again begins another");
    }

    [Fact]
    public async Task WhatIsOlderThanTheHistoryIsForgotten()
    {
        var (user, id) = await world.AddUserAsync("fred");
        var session = await world.RunAsync(user);
        Log.Begin(session, id, "old", "tcp", null, "local").Leave();
        await Log.WriteAsync(Ct);
        await world.Db.ExecuteAsync("UPDATE connections SET ended_at = 1 WHERE session_id = @session", new { session }, Ct);
        await ActivatorUtilities.CreateInstance<HistoryKeeper>(world.Services).ForgetAsync(Ct);
        await using var connection = await world.Db.OpenAsync(Ct);
        Assert.Equal(0, await connection.ExecuteScalarAsync<int>("SELECT count(*) FROM connections WHERE session_id = @session", new { session }));
    }

    private static async Task<List<ConnectionView>> ListAsync(Api.Api user, string session) =>
        [.. (await user.GetAsync($"/api/berth/sessions/{session}/connections")).Ok().EnumerateArray().Select(of => of.Deserialize(BerthJson.Default.ConnectionView)!)];

    /// <summary>A record of its own, whose clock stands still until it is moved.</summary>
    private sealed class RunningLog : IAsyncDisposable
    {
        private RunningLog(Db db) => Log = new ConnectionLog(db, Clock, NullLogger<ConnectionLog>.Instance);

        public Fakes.ManualClock Clock { get; } = new(TimeProvider.System.GetUtcNow());

        public ConnectionLog Log { get; }

        public static async Task<RunningLog> StartAsync(Db db)
        {
            var running = new RunningLog(db);
            await running.Log.StartAsync(Ct);
            return running;
        }

        /// <summary>Lets time pass until it holds.</summary>
        public Task UntilAsync(Func<Task<bool>> condition, string what) => Fakes.Eventually.TrueAsync(
            async () =>
            {
                Clock.Advance(TimeSpan.FromSeconds(1));
                return await condition();
            },
            what);

        public async ValueTask DisposeAsync()
        {
            await Log.StopAsync(CancellationToken.None);
            Log.Dispose();
        }
    }
}
