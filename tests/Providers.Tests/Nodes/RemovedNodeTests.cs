using System.Text.Json;
using Berth.Contracts.Json;
using Berth.Contracts.Nodes;
using Berth.Fakes;
using Berth.Node;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;

namespace Berth.Providers.Tests.Nodes;

/// <summary>A node whose server refuses it: whether it goes on asking.</summary>
public sealed class RemovedNodeTests : IAsyncLifetime
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("berth-k-");
    private readonly ManualClock _clock = new(new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero));
    private readonly CancellationTokenSource _stop = new();
    private WebApplication _server = null!;
    private NodeFolder _node = null!;
    private Task _serving = Task.CompletedTask;
    private volatile bool _isBerth;
    private int _asked;

    public async ValueTask InitializeAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        _server = builder.Build();
        _server.Run(context =>
        {
            context.Response.StatusCode = StatusCodes.Status401Unauthorized;
            if (_isBerth)
                context.Response.Headers[NodeRoutes.UnknownHeader] = "true";
            Interlocked.Increment(ref _asked);
            return Task.CompletedTask;
        });
        await _server.StartAsync();
        StandInAgent.WriteTo(_folder.CreateSubdirectory("agent").FullName);
        var data = _folder.CreateSubdirectory("node").FullName;
        await File.WriteAllTextAsync(
            Path.Combine(data, NodeFiles.Settings), JsonSerializer.Serialize(new NodeSettings(_server.Urls.First(), "lab1", new NodeOffer()) { Processes = true }, NodeJson.Default.NodeSettings));
        _node = NodeFolder.Open(data, Path.Combine(_folder.FullName, "agent"));
        _node.EnsureToken();
        _node.Keep(new NodeIdentity("01HXXXXXXXXXXXXXXXXXXXXXXX", "lab1", "here"));
        _serving = NodeProgram.ServeAsync(_node, _clock, _stop.Token);
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _serving.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _node.Dispose();
        await _server.DisposeAsync();
        _stop.Dispose();
        _folder.Delete(recursive: true);
    }

    [Fact]
    public async Task OnlyTheServersOwnWordEndsItAndNotAtOnce()
    {
        var begun = _clock.GetUtcNow();
        await AskedUntilAsync(() => _clock.GetUtcNow() - begun > TimeSpan.FromMinutes(10));
        Assert.False(_serving.IsCompleted); // it was a proxy that asked for a password, say

        _isBerth = true;
        await AskedUntilAsync(() => true);
        var known = _clock.GetUtcNow();
        await AskedUntilAsync(() => _serving.IsCompleted);
        var end = await Assert.ThrowsAsync<NodeException>(() => _serving);
        Assert.Equal(NodeException.NoPermission, end.ExitCode);
        Assert.InRange(_clock.GetUtcNow() - known, TimeSpan.FromMinutes(1.5), TimeSpan.FromMinutes(4));
    }

    /// <summary>Time passes, and it asks again, until something is so.</summary>
    private async Task AskedUntilAsync(Func<bool> isSo)
    {
        do
        {
            var before = Volatile.Read(ref _asked);
            await Eventually.TrueAsync(
                () =>
                {
                    _clock.Advance(TimeSpan.FromSeconds(5));
                    return Volatile.Read(ref _asked) > before || _serving.IsCompleted;
                },
                "it asks again", TimeSpan.FromSeconds(60));
        }
        while (!isSo());
    }
}
