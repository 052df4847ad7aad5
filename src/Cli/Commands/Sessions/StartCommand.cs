using Berth.Cli.Servers;
using Berth.Cli.Settings;
using Berth.Contracts.Sessions;

namespace Berth.Cli.Commands.Sessions;

internal sealed class StartCommand : Verb
{
    private readonly StartFlags _flags = new();
    private readonly Flag<string[]> _upload = Uploads.Flag();
    private readonly Flag<bool> _open = new("--open", "Open the browser when it is ready") { Personal = true };
    private readonly WaitFlags _wait = new();

    public StartCommand(Surroundings here)
        : base(here, "start", "Start a session, wait until it is ready and print its link")
    {
        _flags.AddTo(this);
        Add(_upload);
        Add(_open);
        _wait.AddTo(this);
    }

    public override bool TakesDashes => true;

    public override IReadOnlyList<Example> Examples =>
    [
        new("session start", "Asks what to start; with -y the standard environment, unasked"),
        new("session start --launcher analysis --open", "A launcher, then the browser"),
        new("session start --image python:3.13 --port 8000 -- python -m http.server 8000", "Any image, with a command of its own"),
        new("session start --repo https://example.org/team/code.git --branch main", "With code in it"),
        new("session start --continue notebook", "Again what 'notebook' was, with its work"),
        new("session start --upload data:/work/data --upload settings.toml", "With files of this machine in it"),
        new("session start --here --memory 4G", "In this folder, with 4 GB"),
    ];

    protected override async Task<int> RunAsync(Call call, CancellationToken ct)
    {
        var uploads = Uploads.Read(call, _upload, _wait.Detach(call));
        var server = await call.ConnectAsync(ct);
        WizardAnswers? answers = null;
        if (call.Questions.MayAsk && !_flags.HasSource(call))
        {
            var wizard = new StartWizard(call, server);
            if (!_flags.MeansAnother(call) && await wizard.OfferRunningAsync(ct) is { } running)
                return await JoinAsync(call, server, running, uploads, ct);
            answers = await wizard.AskAsync(ct);
        }
        var request = await _flags.RequestAsync(call, server, answers, ct);
        using var watch = await SessionWatch.BeginAsync(call, server, _wait.Detach(call), ct);
        // Once it is asked for, its answer is waited for, Ctrl-C or not: it has the name of what then goes on.
        var (session, created) = await server.Client.StartSessionAsync(request, CancellationToken.None);
        if (!created)
            session = await TakeUpAsync(call, server, session, ct);
        return await StartedSession.FollowAsync(call, server, watch, session, _wait.Detach(call), _wait.Timeout(call), call.Get(_open), uploads, ct);
    }

    private async Task<int> JoinAsync(Call call, Server server, SessionView session, Uploads uploads, CancellationToken ct)
    {
        using var watch = await SessionWatch.BeginAsync(call, server, _wait.Detach(call), ct);
        return await StartedSession.FollowAsync(call, server, watch, session, _wait.Detach(call), _wait.Timeout(call), call.Get(_open), uploads, ct);
    }

    /// <summary>A launcher has one live session: it is joined as it is, or started again where it is paused or failed.</summary>
    private static async Task<SessionView> TakeUpAsync(Call call, Server server, SessionView session, CancellationToken ct)
    {
        var again = session.Berth.Status is "paused" or "failed";
        call.Report.Line($"This launcher has the session '{session.Name}' already; it is {session.Berth.Status}{(again ? " and is resumed" : "")}.");
        return again ? await server.Client.ResumeSessionAsync(session.Id, new ResumeRequest(), ct) : session;
    }
}
