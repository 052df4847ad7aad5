using Berth.EndToEnd.Tests.House;

namespace Berth.EndToEnd.Tests;

/// <summary>A machine whose container engine does not run.</summary>
public sealed class EngineAwayTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_start_waits_with_the_reason_and_goes_on_by_itself_when_the_engine_is_there()
    {
        var folder = Directory.CreateTempSubdirectory("berth-engine-").FullName;
        var socket = Path.Combine(folder, "engine.sock");
        await using var server = new RunningServer($"unix://{socket}");
        await server.InitializeAsync();

        var (session, _) = await server.Api.StartSessionAsync(Sample.WebServer("patient"), Ct);
        var waiting = await server.UntilAsync(session.Id, s => s.Berth.Reason is not null, "it says why it waits");
        Assert.Equal(("launching", "engine_unreachable"), (waiting.Berth.Status, waiting.Berth.Reason));
        Assert.Contains(socket, waiting.Berth.Sentence, StringComparison.Ordinal);
        Assert.Contains("Start the engine", waiting.Berth.NextStep, StringComparison.Ordinal);
        Assert.Contains((await server.Api.HealthAsync(Ct)).Checks, c => c is { Name: "docker", Ok: false, Message: not null });

        File.CreateSymbolicLink(socket, Engine.SocketPath);
        var running = await server.UntilAsync(session.Id, s => s.Berth.Status == "running", "it runs by itself", TimeSpan.FromSeconds(60));
        Assert.Null(running.Berth.Reason);
        await server.RemoveAsync(session.Id);
        Directory.Delete(folder, recursive: true);
    }
}
