using System.Net;
using System.Text.Json;
using Berth.Contracts.Client;
using Berth.Contracts.Json;
using Berth.Contracts.Problems;
using Berth.Contracts.Services;
using Berth.Core.Sessions;
using Berth.Server.Agents;
using Berth.Server.Options;
using Berth.Server.Tests.Agents;
using Berth.Server.Tests.Api;
using Berth.Server.Tests.Strangers;
using Berth.Tunnel;
using Berth.Tunnel.Resumable;
using Microsoft.Extensions.DependencyInjection;

namespace Berth.Server.Tests.Connections;

/// <summary>A server where few streams may be open.</summary>
public sealed class NarrowWorld : SessionWorld
{
    protected override ServerOptions Configure(ServerOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        return options with { StreamsPerSession = 2, StreamsPerUser = 3, StreamBytesPerSecond = 1024 * 1024 };
    }
}

/// <summary>A server where sessions are slow.</summary>
public sealed class SlowWorld : SessionWorld
{
    protected override ServerOptions Configure(ServerOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        return options with { StreamBytesPerSecond = 100_000 };
    }
}

/// <summary>The streams of one session beside each other.</summary>
public sealed class SharedPaceTests(SlowWorld world) : IClassFixture<SlowWorld>
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task KeysGoThroughBesideUploadsAndNoLineIsTakenForDead()
    {
        const int Uploads = 8;
        var (user, _) = await world.AddUserAsync("anke");
        var session = await world.RunAsync(user);
        var lines = 0;
        using var client = ConnectTests.Client(world, user);
        using var over = CancellationTokenSource.CreateLinkedTokenSource(Ct);
        var uploads = new List<ResumableStream>();
        try
        {
            for (var i = 0; i < Uploads; i++)
                uploads.Add(await ConnectTests.OpenAsync(client, session, () => Interlocked.Increment(ref lines)));
            var uploading = uploads.ConvertAll(upload => UploadAsync(upload, over.Token));
            await using var keys = await ConnectTests.OpenAsync(client, session);
            var slowest = TimeSpan.Zero;
            // Long enough for a silent line to be given up more than once.
            for (var all = System.Diagnostics.Stopwatch.StartNew(); all.Elapsed < TimeSpan.FromSeconds(25);)
            {
                var watch = System.Diagnostics.Stopwatch.StartNew();
                await keys.WriteAsync("k"u8.ToArray(), Ct);
                await keys.ReadExactlyAsync(new byte[1], Ct);
                slowest = watch.Elapsed > slowest ? watch.Elapsed : slowest;
            }
            Assert.InRange(slowest, TimeSpan.Zero, TimeSpan.FromSeconds(3));
            Assert.Equal(Uploads, lines);
            Assert.All(uploading, upload => Assert.False(upload.IsCompleted));
        }
        finally
        {
            await over.CancelAsync();
            foreach (var upload in uploads)
                await upload.DisposeAsync();
        }
    }

    private static async Task UploadAsync(ResumableStream upload, CancellationToken ct)
    {
        var drain = upload.CopyToAsync(Stream.Null, ct);
        while (!ct.IsCancellationRequested)
            await upload.WriteAsync(new byte[256 * 1024], ct);
        await drain;
    }
}

/// <summary>The way of commands to a session's agent.</summary>
public sealed class ConnectTests(NarrowWorld world) : IClassFixture<NarrowWorld>
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(10);
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task BytesGoToTheAgentAndBack()
    {
        var (user, _) = await world.AddUserAsync("alma");
        var session = await world.RunAsync(user);
        using var client = Client(user);
        await using var stream = await OpenAsync(client, session);
        await stream.WriteAsync("there and back"u8.ToArray(), Ct);
        await stream.CompleteWritesAsync(Ct);
        Assert.Equal("there and back", await new StreamReader(stream).ReadToEndAsync(Ct));
        await stream.DeliveredAsync(Ct).WaitAsync(Soon, Ct);
    }

    [Fact]
    public async Task NobodyButItsUserGetsThere()
    {
        var (user, _) = await world.AddUserAsync("bruno");
        var (other, _) = await world.AddUserAsync("cora", admin: true);
        var session = await world.RunAsync(user);
        using var stranger = Client(other);
        Assert.Equal(ProblemCode.NotFound, (await RefusedAsync(stranger, session)).Kind);
        (await world.Anonymous.GetAsync($"/api/berth/sessions/{session}/connect")).Refused(401);

        var read = (await user.PostAsync("/api/berth/tokens", new { name = "read", scope = "read" })).Created().Text("secret");
        using var reader = ApiClient.ForServer(world.Address, read);
        Assert.Equal(ProblemCode.Forbidden, (await RefusedAsync(reader, session)).Kind);
    }

    [Fact]
    public async Task ATerminalOfThePagesIsItsUsersAloneAndSaysWhyItIsClosed()
    {
        var (user, _) = await world.AddUserAsync("berta");
        var (other, _) = await world.AddUserAsync("carla", admin: true);
        var session = await world.RunAsync(user);
        var path = $"/sessions/{session}/terminal/connect?name=web&rows=24&columns=80";
        (await other.GetAsync(path)).Refused(404);
        (await world.Anonymous.GetAsync(path)).Refused(401);
        (await user.GetAsync(path)).Is(204);
        (await user.PostAsync($"/api/berth/sessions/{session}/pause")).Is(200);
        (await user.GetAsync(path)).Refused(409);
    }

    [Theory]
    [InlineData("/api/berth/sessions/{0}/connect")]
    [InlineData("/sessions/{0}/terminal/connect")]
    public async Task APageOfAnotherOriginOpensNoWebSocketInAVisitorsName(string path)
    {
        var (user, id) = await world.AddUserAsync($"dora-{path.Length}");
        var session = await world.RunAsync(user);
        using var browser = await world.EnterAsync(id, session);
        using var request = new HttpRequestMessage(HttpMethod.Get, world.Origin + string.Format(System.Globalization.CultureInfo.InvariantCulture, path, session));
        request.Headers.Add("Upgrade", "websocket");
        request.Headers.Add("Connection", "Upgrade");
        request.Headers.Add("Sec-WebSocket-Version", "13");
        request.Headers.Add("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==");
        request.Headers.Add("Origin", world.OriginOf(session));
        using var answer = await browser.SendAsync(request);
        Assert.Equal(HttpStatusCode.Forbidden, answer.StatusCode);
    }

    [Fact]
    public async Task ARevokedTokenLosesItsStreamAndCannotResumeIt()
    {
        var (user, _) = await world.AddUserAsync("egon");
        var session = await world.RunAsync(user);
        var created = (await user.PostAsync("/api/berth/tokens", new { name = "short" })).Created();
        using var client = ApiClient.ForServer(world.Address, created.Text("secret"));
        await using var stream = await OpenAsync(client, session);
        var reading = stream.ReadAsync(new byte[1], Ct).AsTask();
        (await user.DeleteAsync($"/api/berth/tokens/{created.GetProperty("token").Text("id")}")).Is(204);
        var lost = await Assert.ThrowsAsync<StreamLostException>(() => reading.WaitAsync(Soon, Ct));
        Assert.Contains("token", lost.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ASessionThatIsPausedEndsItsStreamsAndSaysSo()
    {
        var (user, _) = await world.AddUserAsync("frida");
        var session = await world.RunAsync(user);
        using var client = Client(user);
        await using var stream = await OpenAsync(client, session);
        var reading = stream.ReadAsync(new byte[1], Ct).AsTask();
        (await user.PostAsync($"/api/berth/sessions/{session}/pause")).Is(200);
        var lost = await Assert.ThrowsAsync<StreamLostException>(() => reading.WaitAsync(Soon, Ct));
        Assert.Contains("does not run: it is", lost.Message, StringComparison.Ordinal);
        await world.UntilAsync(session, SessionStatus.Paused);
        var refused = await RefusedAsync(client, session);
        Assert.Equal(ProblemCode.Conflict, refused.Kind);
        Assert.Contains("Start it again with `berth session resume", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task SoManyStreamsAndNoMore()
    {
        var (user, _) = await world.AddUserAsync("gerd");
        var (a, b) = (await world.RunAsync(user), await world.RunAsync(user));
        using var client = Client(user);
        await using (await OpenAsync(client, a))
        await using (await OpenAsync(client, a))
        {
            var full = await RefusedAsync(client, a);
            Assert.Equal((ProblemCode.QuotaExceeded, "The session has 2 connections open, which is the most. Close some, or have streams_per_session raised on the server."), (full.Kind, full.Message));
            await using var third = await OpenAsync(client, b);
            Assert.Contains("You have 3 connections", (await RefusedAsync(client, b)).Message, StringComparison.Ordinal);
        }
        // What was closed gives its place back.
        await Berth.Fakes.Eventually.TrueAsync(async () => (await user.GetAsync($"/api/berth/sessions/{a}/connect")).Status == 204, "there is a place again");
    }

    [Fact]
    public async Task AnAgentOfBeforeIsNotAskedForWhatItDoesNotKnow()
    {
        var (user, _) = await world.AddUserAsync("hugo");
        var session = await world.RunAsync(user);
        var key = new SessionKey(session, 1);
        var socket = Path.Combine(world.Services.GetRequiredService<AgentSockets>().Folder(session), "agent.sock");
        await using var old = await SimulatedAgent.ConnectAsync(
            new ServerDialer($"unix:{socket}", world.Services.GetRequiredService<AgentTokens>().Issue(key)), key, Ct, services: false);
        using var client = Client(user);
        Assert.Contains("Pause the session and resume it", (await RefusedAsync(client, session)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AClientThatWasKilledIsToldFromOneThatFellSilent()
    {
        var (user, _) = await world.AddUserAsync("jens");
        var session = await world.RunAsync(user);
        var (begun, ended) = (new TaskCompletionSource(), new TaskCompletionSource());
        var host = new ResumableHost((_, _) => Task.FromResult<Serving>(FloodAsync), new ResumableOptions { HoldOfClosed = TimeSpan.FromMilliseconds(50) });
        var key = new SessionKey(session, 1);
        var socket = Path.Combine(world.Services.GetRequiredService<AgentSockets>().Folder(session), "agent.sock");
        await using var agent = await SimulatedAgent.ConnectAsync(
            new ServerDialer($"unix:{socket}", world.Services.GetRequiredService<AgentTokens>().Issue(key)), key, Ct, host: host);

        using var client = Client(user);
        using var line = await client.ConnectAsync(session, Ct);
        var carrier = new TunnelStream(line);
        await StreamHello.New(JsonSerializer.SerializeToUtf8Bytes(new TcpRequest(1), ServiceJson.Default.ServiceRequest), 64 << 20).WriteAsync(carrier, Ct);
        await carrier.ReadExactlyAsync(new byte[100], Ct);
        await begun.Task.WaitAsync(Soon, Ct);
        // As the kernel does for a process that is gone: without a word, and with megabytes that it never read.
        line.Abort();
        await ended.Task.WaitAsync(Soon, Ct);

        async Task FloodAsync(ResumableStream stream, CancellationToken lost)
        {
            try
            {
                // More than all buffers between take, so that everybody is kept waiting when it happens.
                await stream.WriteAsync(new byte[32 << 20], lost);
                begun.SetResult();
                await stream.WriteAsync(new byte[64 << 20], lost);
            }
            catch (Exception e) when (e is StreamLostException or OperationCanceledException)
            {
                ended.SetResult();
            }
        }
    }

    [Fact]
    public async Task AFewBytesAreNotSlowedAndManyAre()
    {
        var (user, _) = await world.AddUserAsync("ida");
        var session = await world.RunAsync(user);
        using var client = Client(user);
        await using var stream = await OpenAsync(client, session);
        var watch = System.Diagnostics.Stopwatch.StartNew();
        // Both directions together: 3 MiB at 1 MiB a second, the first of which is there at once.
        var sent = new byte[3 << 19];
        var writing = stream.WriteAsync(sent, Ct).AsTask();
        await stream.ReadExactlyAsync(new byte[sent.Length], Ct);
        await writing;
        Assert.InRange(watch.Elapsed, TimeSpan.FromSeconds(1.5), TimeSpan.FromSeconds(20));
    }

    [Fact]
    public async Task WhatABrowserLoadsIsSlowedAsCommandsAre()
    {
        var (user, id) = await world.AddUserAsync("jana");
        var session = await world.RunAsync(user);
        using var browser = await world.EnterAsync(id, session);
        var watch = System.Diagnostics.Stopwatch.StartNew();
        var loaded = await (await browser.FetchAsync($"{world.OriginOf(session)}/download?bytes={3 << 20}")).Content.ReadAsByteArrayAsync(Ct);
        Assert.Equal(3 << 20, loaded.Length);
        Assert.InRange(watch.Elapsed, TimeSpan.FromSeconds(1.5), TimeSpan.FromSeconds(20));
    }

    [Fact]
    public async Task ABrowserThatLeavesWhileItIsSlowedLeavesNothing()
    {
        var (user, id) = await world.AddUserAsync("jost");
        var session = await world.RunAsync(user);
        using var browser = await world.EnterAsync(id, session);
        using (var loading = await browser.SendAsync(new HttpRequestMessage(HttpMethod.Get, $"{world.OriginOf(session)}/download?bytes={1L << 30}")))
            await loading.Content.ReadAsStreamAsync(Ct);
        var watch = System.Diagnostics.Stopwatch.StartNew();
        (await browser.FetchAsync(world.OriginOf(session) + "/")).Dispose();
        Assert.InRange(watch.Elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(5));
    }

    [Fact]
    public async Task APageIsSentNoMoreThanItShows()
    {
        const int Window = 64 * 1024, All = 512 * 1024;
        var (user, id) = await world.AddUserAsync("karl");
        var session = await world.RunAsync(user);
        var host = new ResumableHost(
            (_, _) => Task.FromResult<Serving>(async (stream, lost) =>
            {
                using var frames = new ProcessFrames(stream);
                await frames.WriteAsync(ProcessFrameKind.Output, new byte[All], lost);
            }),
            new ResumableOptions());
        var key = new SessionKey(session, 1);
        var socket = Path.Combine(world.Services.GetRequiredService<AgentSockets>().Folder(session), "agent.sock");
        await using var agent = await SimulatedAgent.ConnectAsync(
            new ServerDialer($"unix:{socket}", world.Services.GetRequiredService<AgentTokens>().Issue(key)), key, Ct, host: host);
        using var browser = await world.SignInAsync(id);
        using var page = await browser.SocketAsync($"{world.Origin}/sessions/{session}/terminal/connect?name=web&window={Window}", world.Origin);

        var (seen, shown, buffer) = (0, 0, new byte[All]);
        var next = page.ReceiveAsync(buffer, Ct);
        while (seen < All)
        {
            // What comes without having been asked for comes soon.
            if (seen == shown || await Task.WhenAny(next, Task.Delay(TimeSpan.FromMilliseconds(500), Ct)) == next)
            {
                seen += (await next).Count;
                Assert.InRange(seen - shown, 0, Window + (128 * 1024));
                next = page.ReceiveAsync(buffer, Ct);
                continue;
            }
            await page.SendAsync((byte[])[(byte)ProcessFrameKind.Shown, 0, 0, 0, 4, .. ProcessFrames.Number(seen - shown)], System.Net.WebSockets.WebSocketMessageType.Binary, true, Ct);
            shown = seen;
        }
        Assert.NotEqual(0, shown);
    }

    internal static Task<ResumableStream> OpenAsync(ApiClient client, string session, Action? connecting = null) => ResumableClient.OpenAsync(
        async ct =>
        {
            connecting?.Invoke();
            try
            {
                return new TunnelStream(await client.ConnectAsync(session, ct));
            }
            catch (ServerUnreachableException e)
            {
                throw new IOException(e.Message, e);
            }
        },
        JsonSerializer.SerializeToUtf8Bytes(new TcpRequest(1), ServiceJson.Default.ServiceRequest), new ResumableOptions(), Ct);

    private ApiClient Client(Api.Api user) => Client(world, user);

    internal static ApiClient Client(SessionWorld world, Api.Api user) => ApiClient.ForServer(world.Address, user.Http.DefaultRequestHeaders.Authorization!.Parameter!);

    private static async Task<ProblemDetail> RefusedAsync(ApiClient client, string session) =>
        (await Assert.ThrowsAsync<ApiException>(() => client.ConnectAsync(session, Ct))).Problem;
}
