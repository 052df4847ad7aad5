using Berth.Cli.Settings;
using Berth.Contracts.Sessions;

namespace Berth.Cli.Commands.Sessions;

internal sealed class ResumeCommand : SessionVerb
{
    private readonly Flag<string?> _class = Flags.Text("--class", "Resume it with this class of its pool", "NAME");
    private readonly Flag<bool> _open = new("--open", "Open the browser when it is ready") { Personal = true };
    private readonly WaitFlags _wait = new();

    public ResumeCommand(Surroundings here)
        : base(here, "resume", "Start a paused or failed session again")
    {
        Add(_class);
        Add(_open);
        _wait.AddTo(this);
    }

    public override IReadOnlyList<Example> Examples =>
    [
        new("session resume notebook", "Wait until it is ready, then print its link"),
        new("session resume notebook --class large", "With more resources"),
    ];

    protected override bool Warns => false;

    protected override async Task<int> RunAsync(Call call, CancellationToken ct)
    {
        var server = await call.ConnectAsync(ct);
        var session = await FindAsync(call, server, ct);
        var classId = call.Get(_class) is { } name ? (await StartChoices.ClassAsync(server, name, session.Berth.PoolName, ct)).Id : (int?)null;
        using var watch = await SessionWatch.BeginAsync(call, server, _wait.Detach(call), ct);
        session = await server.Client.ResumeSessionAsync(session.Id, new ResumeRequest(classId), CancellationToken.None);
        return await StartedSession.FollowAsync(call, server, watch, session, _wait.Detach(call), _wait.Timeout(call), call.Get(_open), uploads: null, ct);
    }
}
