using System.Globalization;
using Berth.Contracts.Agents;
using Berth.Contracts.Services;
using Berth.Fakes;

namespace Berth.Providers.Tests.Agent;

/// <summary>An agent on a machine whose clock is wrong: nothing that it says depends on the time of day.</summary>
public sealed class ClockTests : AgentProcessTests
{
    [Theory]
    [InlineData(-1)]
    [InlineData(1)]
    [InlineData(24)]
    public async Task ASessionWhoseClockIsHoursOffIsReadyAndInUseAndItsTerminalsAreAsOldAsTheyAre(int hours)
    {
        using var clock = new WrongClock();
        var used = new TaskCompletionSource<AgentActivity>();
        Server.Hub.Activity += (_, _, activity) => used.TrySetResult(activity);
        Start(
            ["python3", "-c", "import http.server, os, time; print(int(time.time()), flush=True); http.server.HTTPServer(('127.0.0.1', int(os.environ['PORT'])), http.server.SimpleHTTPRequestHandler).serve_forever()"],
            order => order with { ActivitySeconds = 1, Environment = new Dictionary<string, string> { ["SHELL"] = "/bin/sh", ["PORT"] = $"{order.Port}" } },
            clock.Variables(TimeSpan.FromHours(hours)));
        await Eventually.TrueAsync(() => Report is { Ready: true }, "it is ready", TimeSpan.FromSeconds(30));
        var shown = DateTimeOffset.FromUnixTimeSeconds(long.Parse(Log.Split('\n')[0], CultureInfo.InvariantCulture)) - TimeProvider.System.GetUtcNow();
        Assert.InRange(shown.TotalHours, hours - 0.1, hours + 0.1);

        await using var terminal = await RemoteProcess.OpenAsync(Server, Id, new TerminalRequest());
        await terminal.TypeAsync("while :; do :; done\n");
        Assert.InRange(Assert.Single((await RemoteProcess.TerminalsAsync(Server, Id)).Terminals).OpenSeconds, 0, 60);
        var activity = await used.Task.WaitAsync(TimeSpan.FromSeconds(30), Ct);
        Assert.InRange(activity.Seconds, 0.5, 30);
        Assert.InRange(activity.CpuCores, 0, 64);
    }
}
