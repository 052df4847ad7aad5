using System.Text.Json;
using Berth.Contracts.Client;
using Berth.Contracts.Json;
using Berth.Contracts.Services;
using Berth.Contracts.Sessions;
using Berth.Server.Connections;
using Berth.Server.Sessions;
using Berth.Server.Tests.Api;
using Berth.Server.Tests.Storage;
using Berth.Server.Tests.Strangers;
using Berth.Tunnel;
using Berth.Tunnel.Resumable;
using Dapper;
using Microsoft.Extensions.DependencyInjection;

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
            await Log.WriteAsync(Ct);
            var open = Assert.Single(await client.SessionConnectionsAsync(session, Ct));
            Assert.Equal(("tcp", "port 3000", "127.0.0.1", "anna", null), (open.Kind, open.Target, open.From, open.Username, open.EndedAt));
            Assert.Equal((1000, 1000), (open.BytesIn, open.BytesOut));
        }
        ConnectionView? ended = null;
        await Berth.Fakes.Eventually.TrueAsync(
            async () =>
            {
                await Log.WriteAsync(Ct);
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
        Log.End(first);
        await Log.WriteAsync(Ct);
        var ended = Assert.Single((await user.GetAsync($"/api/berth/sessions/{session}/connections")).Ok().EnumerateArray());
        Assert.NotNull(ended.TextOrNull("ended_at"));

        var second = Log.Begin(session, id, "stream", "unknown", null, "local");
        Assert.NotSame(first, second);
        second.ReachIn(15);
        await Log.WriteAsync(Ct);
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
    public async Task ABrowserThatIsLetInIsWrittenDownOnce()
    {
        var (user, id) = await world.AddUserAsync("emma");
        var session = await world.RunAsync(user);
        using var browser = await world.EnterAsync(id, session);
        (await browser.OpenAsync(world.OriginOf(session) + "/")).Dispose();
        await Log.WriteAsync(Ct);
        var entered = Assert.Single((await user.GetAsync($"/api/berth/sessions/{session}/connections")).Ok().EnumerateArray());
        Assert.Equal(("browser", "127.0.0.1"), (entered.Text("kind"), entered.Text("from")));
        var page = await (await browser.OpenAsync($"{world.Origin}/sessions/{session}")).Content.ReadAsStringAsync(Ct);
        Assert.Contains("aria-label=\"Connections\"", page, StringComparison.Ordinal);
    }

    [Fact]
    public async Task WhatIsOlderThanTheHistoryIsForgotten()
    {
        var (user, id) = await world.AddUserAsync("fred");
        var session = await world.RunAsync(user);
        Log.End(Log.Begin(session, id, "old", "tcp", null, "local"));
        await Log.WriteAsync(Ct);
        await world.Db.ExecuteAsync("UPDATE connections SET ended_at = 1 WHERE session_id = @session", new { session }, Ct);
        await ActivatorUtilities.CreateInstance<HistoryKeeper>(world.Services).ForgetAsync(Ct);
        await using var connection = await world.Db.OpenAsync(Ct);
        Assert.Equal(0, await connection.ExecuteScalarAsync<int>("SELECT count(*) FROM connections WHERE session_id = @session", new { session }));
    }
}
