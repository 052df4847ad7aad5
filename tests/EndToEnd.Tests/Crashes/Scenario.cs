using Berth.Contracts.Sessions;
using Berth.EndToEnd.Tests.House;
using Berth.Providers.Docker;

namespace Berth.EndToEnd.Tests.Crashes;

/// <summary>One thing that may be asked of a session, or happen to it.</summary>
/// <param name="Name">For people.</param>
/// <param name="From">The status that it begins with; null: there is no session yet.</param>
/// <param name="To">The status that it ends with.</param>
/// <param name="AskAsync">Asks; a server that dies meanwhile is no error. Given the session's name.</param>
internal sealed record Scenario(string Name, string? From, string To, Func<string, Task> AskAsync)
{
    /// <summary>Whether the workspace is there in the end.</summary>
    public bool KeepsWork { get; init; } = true;

    /// <summary>Only points that no other scenario passes are tried.</summary>
    public bool Rest { get; init; }

    /// <summary>
    /// Of the steps that are taken once in a server's life, once a volume, or only where something happens to be seen in
    /// time, those that it passes in any case. The others are left to scenarios that do.
    /// </summary>
    public IReadOnlyList<EngineCall> Surely { get; init; } = [];

    /// <summary>Whether it passes the point whenever it is played.</summary>
    public bool IsSure(string point) =>
        new[] { EngineCall.CheckFirewall, EngineCall.SetFirewall, EngineCall.ReadFile, EngineCall.Unpack, EngineCall.ReadLog }.Except(Surely)
            .All(call => !point.StartsWith($"EngineCall.{call}.", StringComparison.Ordinal));

    /// <summary>Before it begins.</summary>
    public Func<Task> PrepareAsync { get; init; } = () => Task.CompletedTask;
}

/// <summary>The life of a session, in scenarios.</summary>
internal sealed class Scenarios(MortalServer server, SmallImage image, string remoteImage)
{
    private const string LongAgo = "1";
    // Longer than work is kept, and not as long as the history is.
    private const string TwentyDaysEarlier = "status_since - 1728000000";

    // A deadline that nobody was warned of is put off.
    private const string Unwarned = "limits = json_set(limits, '$.warning', '00:00:00')";

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public IReadOnlyList<Scenario> All =>
    [
        new("a server that starts", "running", "running", _ => RebornAsync(null)),
        new("start", null, "running", name => server.Api.StartSessionAsync(Request(name, image.Name), Ct))
        {
            Surely = [EngineCall.Unpack],
        },
        new("pause", "running", "paused", name => server.Api.PauseSessionAsync(name, Ct)),
        new("resume", "paused", "running", name => server.Api.ResumeSessionAsync(name, new ResumeRequest(), Ct)),
        new("idle deadline", "running", "paused", name => RebornAsync(() => server.Alter($"UPDATE sessions SET last_used = {LongAgo}, {Unwarned} WHERE name = @id", name))),
        new("end by itself", "running", "failed", KillAsync) { Surely = [EngineCall.ReadLog] },
        new("stop", "running", "ended", name => server.Api.StopSessionAsync(name, deleteWork: false, Ct)),
        new("retention deadline", "ended", "ended", name => RebornAsync(() => server.Alter($"UPDATE sessions SET status_since = {TwentyDaysEarlier}, {Unwarned} WHERE name = @id", name)))
        {
            KeepsWork = false,
        },
        new("delete", "running", "ended", name => server.Api.StopSessionAsync(name, deleteWork: true, Ct)) { KeepsWork = false },
        new("first start on a machine", null, "running", name => server.Api.StartSessionAsync(Request(name, remoteImage), Ct))
        {
            Rest = true,
            Surely = [EngineCall.CheckFirewall, EngineCall.SetFirewall, EngineCall.ReadFile],
            PrepareAsync = ForgetMachineAsync,
        },
    ];

    public static StartRequest Request(string name, string image) =>
        new(Image: image, Name: name, Port: 8000, Args: SmallImage.WebServer, Cpu: 0.1, MemoryGb: 0.1);

    private async Task RebornAsync(Action? whileDead)
    {
        await server.KillAsync();
        whileDead?.Invoke();
        server.Begin();
    }

    private async Task KillAsync(string name)
    {
        var id = (await server.Api.GetSessionAsync(name, Ct)).Id;
        await Engine.KillAsync(Assert.Single(await Engine.ContainersOfAsync(server.Installation, id)));
    }

    /// <summary>No session, no network, no rules, no image; and a server that has not looked yet.</summary>
    private async Task ForgetMachineAsync()
    {
        foreach (var session in await server.AllSessionsAsync())
            await server.RemoveAsync(session.Id);
        await server.KillAsync();
        await Engine.RemoveAllAsync(server.Installation);
        await SmallImage.ForgetAsync(remoteImage);
        await server.StartAsync();
    }
}
