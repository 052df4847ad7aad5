using System.Text.Json;
using Berth.Contracts.Client;
using Berth.Contracts.Json;
using Berth.Contracts.Services;
using Berth.Core.Sessions;
using Berth.Server.Agents;
using Berth.Server.Tests.Agents;
using Berth.Server.Tests.Strangers;
using Berth.Tunnel;
using Berth.Tunnel.Resumable;
using Microsoft.Extensions.DependencyInjection;

namespace Berth.Server.Tests.Connections;

/// <summary>Nobody holds what a slow reader has not read: not the agent, not the server, not the command.</summary>
public sealed class SlowReaderTests(SessionWorld world) : IClassFixture<SessionWorld>
{
    private const long TenGigabytes = 10L << 30;
    private const int Block = 64 * 1024;
    private const int Reads = 512;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task TenGigabytesBehindASlowReaderWaitWhereTheyAre()
    {
        var (user, _) = await world.AddUserAsync("lena");
        var session = await world.RunAsync(user);
        var (written, options) = (0L, new ResumableOptions());
        var host = new ResumableHost((_, _) => Task.FromResult<Serving>(FloodAsync), options);
        var key = new SessionKey(session, 1);
        var socket = Path.Combine(world.Services.GetRequiredService<AgentSockets>().Folder(session), "agent.sock");
        await using var agent = await SimulatedAgent.ConnectAsync(
            new ServerDialer($"unix:{socket}", world.Services.GetRequiredService<AgentTokens>().Issue(key)), key, Ct, host: host);
        using var client = ApiClient.ForServer(world.Address, user.Http.DefaultRequestHeaders.Authorization!.Parameter!);
        await using var stream = await ResumableClient.OpenAsync(
            async ct => new TunnelStream(await client.ConnectAsync(session, ct)),
            JsonSerializer.SerializeToUtf8Bytes(new TcpRequest(1), ServiceJson.Default.ServiceRequest), options, Ct);

        // What is on its way is never more than a window, whichever of the three has it: each of 32 MiB that are read is
        // waited for by as many that follow.
        var furthest = 0L;
        for (var read = 0L; read < (long)Reads * Block; read += Block)
        {
            furthest = Math.Max(furthest, Interlocked.Read(ref written) - read);
            await stream.ReadExactlyAsync(new byte[Block], Ct);
        }
        Assert.InRange(furthest, Block, options.Window + Block);
        Assert.True(Interlocked.Read(ref written) > options.Window, "more than one window has passed");

        async Task FloodAsync(ResumableStream to, CancellationToken lost)
        {
            var block = new byte[Block];
            for (var left = TenGigabytes; left > 0; left -= Block)
            {
                await to.WriteAsync(block, lost);
                Interlocked.Add(ref written, Block);
            }
        }
    }
}
