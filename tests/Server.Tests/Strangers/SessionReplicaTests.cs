using System.Net.WebSockets;
using Berth.Fakes;
using Berth.Server.Auth;
using Berth.Server.Storage;
using Berth.Server.Tests.Api;
using Berth.Server.Tests.Storage;
using Microsoft.Extensions.DependencyInjection;

namespace Berth.Server.Tests.Strangers;

/// <summary>A visitor who is in a session through one server is thrown out by another of the same database.</summary>
[Trait("Needs", "postgres")]
public sealed class SessionReplicaTests(PostgresFixture postgres) : IAsyncLifetime
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(10);
    private SessionWorld _here = null!;
    private ApiServer _there = null!;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        var url = await postgres.CreateDatabaseAsync();
        (_here, _there) = (new World(url), new Replica(url));
        await _here.InitializeAsync();
        await _there.InitializeAsync();
        await Eventually.TrueAsync(() => _here.Services.GetRequiredService<ReplicaChannel>().IsHearing, "the server of the session hears");
    }

    public async ValueTask DisposeAsync()
    {
        await _there.DisposeAsync();
        await _here.DisposeAsync();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task WhatEndsAtAnotherServerCutsTheWebSocketHere(bool disabled)
    {
        var (owner, ownerId) = await _here.AddUserAsync("nora");
        var session = await _here.RunAsync(owner);
        using var browser = await _here.EnterAsync(ownerId, session);
        var origin = _here.OriginOf(session);
        using var socket = await browser.SocketAsync(origin + "/socket", origin);
        await socket.SendAsync("open"u8.ToArray(), WebSocketMessageType.Text, true, Ct);
        var buffer = new byte[100];
        await socket.ReceiveAsync(buffer.AsMemory(), Ct);
        var ended = socket.ReceiveAsync(buffer.AsMemory(), Ct).AsTask();

        if (disabled)
        {
            (await _there.Owner.PatchAsync($"/api/data/users/{ownerId}", new { disabled = true })).Ok();
        }
        else
        {
            var cookie = browser.Cookies["localhost"][$"berth-{_here.Address.Port}"];
            (await _there.Anonymous.PostAsync("/sign-out", null, ("Cookie", $"{_there.Services.GetRequiredService<SignIns>().CookieName}={cookie}"), ("Sec-Fetch-Site", "same-origin"))).Is(303);
        }

        await Assert.ThrowsAsync<WebSocketException>(() => ended.WaitAsync(Soon, Ct));
        await Assert.ThrowsAsync<WebSocketException>(() => browser.SocketAsync(origin + "/socket", origin));
    }

    private sealed class World(string url) : SessionWorld
    {
        protected override ValueTask<string?> DatabaseUrlAsync() => ValueTask.FromResult<string?>(url);
    }

    private sealed class Replica(string url) : ApiServer
    {
        protected override ValueTask<string?> DatabaseUrlAsync() => ValueTask.FromResult<string?>(url);
    }
}
