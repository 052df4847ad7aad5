using Berth.Cli.Settings;

namespace Berth.Cli.Commands.Sessions;

internal sealed class StopCommand : SessionVerb
{
    private readonly Flag<bool> _deleteWork = new("--delete-work", "Delete its workspace now, instead of after the retention time") { Personal = true };
    private readonly Flag<bool> _all = new("--all", "All sessions of yours") { Personal = true };
    private readonly Flag<string?> _user = AdminAct.User();
    private readonly WaitFlags _wait = new();

    public StopCommand(Surroundings here)
        : base(here, "stop", "End a session; its workspace is kept for the retention time")
    {
        Add(_all);
        Add(_deleteWork);
        Add(_user);
        _wait.AddTo(this);
    }

    public override IReadOnlyList<Example> Examples =>
    [
        new("session stop notebook", "End it, keep its files for the retention time"),
        new("session stop --all -y", "End all of yours, without a question"),
        new("session stop notebook --delete-work", "End it and delete its files"),
        new("session stop notebook --user ada", "End another's, as an admin"),
    ];

    protected override bool Warns => false;

    protected override async Task<int> RunAsync(Call call, CancellationToken ct)
    {
        if (call.Get(_all) && IsNamed(call))
            throw CliException.Usage("Either a name or --all: both together do not say what to stop.");
        if (call.Get(_user) is not null && (call.Get(_all) || call.Get(_deleteWork)))
            throw CliException.Usage("--user stops one session of another and keeps its work: neither --all nor --delete-work go with it.");
        var server = await call.ConnectAsync(ct);
        if (call.Get(_user) is { } user)
            return await AdminAct.RunAsync(call, server, user, NameOf(call), "stop", ct);
        var sessions = call.Get(_all) ? await server.Client.ListSessionsAsync(ct) : [await FindAsync(call, server, ct)];
        if (sessions.Count == 0)
            call.Report.Line("You have no session to stop.");
        Confirm(call, [.. sessions.Select(session => session.Name)]);
        using var watch = await SessionWatch.BeginAsync(call, server, _wait.Detach(call), ct);
        var code = ExitCodes.Ok;
        foreach (var session in sessions)
        {
            var now = await server.Client.StopSessionAsync(session.Id, call.Get(_deleteWork), ct);
            now = await watch.UntilAsync(now, view => view.Berth.Status is "ended", _wait.Timeout(call), ct);
            code = Math.Max(code, SessionWatch.Outcome(call, now, now.Berth.Status == "ended", _wait.Detach(call), $"Session '{now.Name}' is stopped."));
        }
        return code;
    }

    private void Confirm(Call call, List<string> names)
    {
        var which = names.Count == 1 ? $"session '{names[0]}'" : $"{names.Count} sessions ({string.Join(", ", names)})";
        if (call.Get(_deleteWork) && names.Count > 0)
            call.Questions.ConfirmOrStop($"Stop {which} and delete all files in it for good?",
                "--delete-work deletes files for good. Without a terminal to ask on, say so with -y.");
        else if (call.Get(_all) && names.Count > 0)
            call.Questions.ConfirmOrStop($"Stop {which}?", "--all stops all of your sessions. Without a terminal to ask on, say so with -y.");
    }
}
