using Berth.Cli.Settings;

namespace Berth.Cli.Commands.Sessions;

internal sealed class PauseCommand : SessionVerb
{
    private readonly Flag<string?> _user = AdminAct.User();
    private readonly WaitFlags _wait = new();

    public PauseCommand(Surroundings here)
        : base(here, "pause", "Give back a session's compute and keep its workspace")
    {
        Add(_user);
        _wait.AddTo(this);
    }

    public override IReadOnlyList<Example> Examples => [new("session pause notebook", "Its files stay; what runs in it ends")];

    protected override bool Warns => false;

    protected override async Task<int> RunAsync(Call call, CancellationToken ct)
    {
        var server = await call.ConnectAsync(ct);
        if (call.Get(_user) is { } user)
            return await AdminAct.RunAsync(call, server, user, NameOf(call), "pause", ct);
        var session = await FindAsync(call, server, ct);
        using var watch = await SessionWatch.BeginAsync(call, server, _wait.Detach(call), ct);
        session = await server.Client.PauseSessionAsync(session.Id, ct);
        session = await watch.UntilAsync(session, view => view.Berth.Status is "paused" or "ended" or "failed", _wait.Timeout(call), ct);
        return SessionWatch.Outcome(call, session, session.Berth.Status == "paused", _wait.Detach(call),
            $"Session '{session.Name}' is paused. Resume it with `berth session resume {session.Name}`.");
    }
}
