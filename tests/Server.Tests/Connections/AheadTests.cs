using System.Text.Json;
using Berth.Contracts.Client;
using Berth.Contracts.Json;
using Berth.Contracts.Problems;
using Berth.Contracts.Services;
using Berth.Fakes;
using Berth.Server.Tests.Api;
using Berth.Tunnel;
using Berth.Tunnel.Resumable;

namespace Berth.Server.Tests.Connections;

/// <summary>Lines to a session that are opened before their stream comes.</summary>
public sealed class AheadTests(NarrowWorld world) : IClassFixture<NarrowWorld>
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(10);
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task TheStreamComesLaterAndIsWrittenDownThen()
    {
        var (user, _) = await world.AddUserAsync("anton");
        var session = await world.RunAsync(user);
        using var client = ConnectTests.Client(world, user);
        var line = await OpenAheadAsync(client, session);
        Assert.Empty(await client.SessionConnectionsAsync(session, Ct));

        await using (var stream = await OpenAsync(line))
        {
            await stream.WriteAsync("there and back"u8.ToArray(), Ct);
            await stream.CompleteWritesAsync(Ct);
            Assert.Equal("there and back", await new StreamReader(stream).ReadToEndAsync(Ct));
            await stream.DeliveredAsync(Ct).WaitAsync(Soon, Ct);
        }
        await Eventually.TrueAsync(async () => await client.SessionConnectionsAsync(session, Ct) is [{ Kind: "tcp" }], "it is written down");
    }

    [Fact]
    public async Task TheyTakeNoPlaceOfAStreamBeforeTheirsComesAndHaveAsManyOfTheirOwn()
    {
        var (user, _) = await world.AddUserAsync("benno");
        var session = await world.RunAsync(user);
        using var client = ConnectTests.Client(world, user);
        var (early, late) = (await OpenAheadAsync(client, session), await OpenAheadAsync(client, session));
        var refused = await Assert.ThrowsAsync<ApiException>(() => client.ConnectAsync(session, Ct, ahead: true));
        Assert.Equal(ProblemCode.QuotaExceeded, refused.Problem.Kind);
        Assert.Contains("2 connections that wait for streams", refused.Message, StringComparison.Ordinal);

        await using var first = await ConnectTests.OpenAsync(client, session);
        await using (await ConnectTests.OpenAsync(client, session))
        {
            // Now there is no place for what comes by the first of them, which is closed: who asks anew is told.
            await Assert.ThrowsAnyAsync<IOException>(() => OpenAsync(early).WaitAsync(Soon, Ct));
            Assert.Equal(ProblemCode.QuotaExceeded, (await Assert.ThrowsAsync<ApiException>(() => client.ConnectAsync(session, Ct))).Problem.Kind);
        }
        await Eventually.TrueAsync(async () => (await user.GetAsync($"/api/berth/sessions/{session}/connect")).Status == 204, "there is a place again");
        await using var second = await OpenAsync(late);
        await second.WriteAsync(new byte[1], Ct);
        await second.ReadExactlyAsync(new byte[1], Ct);
    }

    [Fact]
    public async Task TheyAreCutWithTheSessionAndWithTheToken()
    {
        var (user, _) = await world.AddUserAsync("carlo");
        var session = await world.RunAsync(user);
        var created = (await user.PostAsync("/api/berth/tokens", new { name = "leaves" })).Created();
        using var client = ConnectTests.Client(world, user);
        using var leaving = ApiClient.ForServer(world.Address, created.Text("secret"));
        var (ofToken, ofSession) = (await OpenAheadAsync(leaving, session), await OpenAheadAsync(client, session));

        (await user.DeleteAsync($"/api/berth/tokens/{created.GetProperty("token").Text("id")}")).Is(204);
        await ofToken.Answered.ContinueWith(_ => { }, TaskScheduler.Default).WaitAsync(Soon, Ct);
        Assert.False(ofSession.Answered.IsCompleted);

        await client.StopSessionAsync(session, deleteWork: true, Ct);
        await ofSession.Answered.ContinueWith(_ => { }, TaskScheduler.Default).WaitAsync(Soon, Ct);
    }

    [Fact]
    public async Task WhereTheAgentIsGoneByThenTheLineIsClosed()
    {
        var (user, _) = await world.AddUserAsync("diana");
        var session = await world.RunAsync(user);
        using var client = ConnectTests.Client(world, user);
        var line = await OpenAheadAsync(client, session);
        await world.AgentOf(session).DisposeAsync();
        await Assert.ThrowsAnyAsync<IOException>(() => OpenAsync(line).WaitAsync(Soon, Ct));
    }

    private static async Task<TunnelStream> OpenAheadAsync(ApiClient client, string session)
    {
        var line = new TunnelStream(await client.ConnectAsync(session, Ct, ahead: true));
        line.Wait();
        return line;
    }

    /// <summary>On this line and no other.</summary>
    private static Task<ResumableStream> OpenAsync(TunnelStream line)
    {
        var lines = new Queue<TunnelStream>([line]);
        return ResumableClient.OpenAsync(
            _ => lines.TryDequeue(out var next) ? Task.FromResult<Stream>(next) : throw new StreamLostException("There was one line alone."),
            JsonSerializer.SerializeToUtf8Bytes(new TcpRequest(1), ServiceJson.Default.ServiceRequest), new ResumableOptions { Hold = TimeSpan.FromSeconds(1) }, Ct);
    }
}
