using System.CommandLine;
using Berth.Cli.Output;
using Berth.Cli.Servers;
using Berth.Contracts.Sessions;

namespace Berth.Cli.Commands.Sessions;

/// <summary>A command about one session, whose name may be left out where there is only one.</summary>
internal abstract class SessionVerb : Verb
{
    private readonly Argument<string?> _name = new("name")
    {
        Description = "Name or id, or the beginning of it; may be left out where there is only one session",
        Arity = ArgumentArity.ZeroOrOne,
    };

    /// <param name="here">Of the command.</param>
    /// <param name="name">What is typed.</param>
    /// <param name="description">What it does.</param>
    /// <param name="takesName">The session is the first argument; else the command tells it in <see cref="NameOf"/>.</param>
    protected SessionVerb(Surroundings here, string name, string description, bool takesName = true)
        : base(here, name, description)
    {
        if (takesName)
            Add(_name);
    }

    protected bool IsNamed(Call call) => call.Get(_name) is not null;

    protected virtual string? NameOf(Call call) => call.Get(_name);

    /// <summary>The session that is meant. A deadline of it that is near is said, whatever the command is about.</summary>
    protected async Task<SessionView> FindAsync(Call call, Server server, CancellationToken ct, bool ended = false)
    {
        var session = await FindSessionAsync(call, server, ended, ct);
        if (Warns && SessionRow.Of(session).WarningLine(call.Here.Time.GetUtcNow()) is { } warning)
            call.Report.Warning(warning);
        return session;
    }

    /// <summary>Whether a deadline that is near is worth a line: not to who is about to move it.</summary>
    protected virtual bool Warns => true;

    private async Task<SessionView> FindSessionAsync(Call call, Server server, bool ended, CancellationToken ct)
    {
        var sessions = await server.Client.ListSessionsAsync(ct);
        if (NameOf(call) is not { } name)
            return Only(sessions);
        // A live session goes before one of the same name in the history.
        var live = sessions.Where(session => Matches(session, name)).ToList();
        var candidates = ended && live.Count == 0 ? await server.Client.ListSessionsAsync(ct, ended: true) : sessions;
        return Names.Pick(name, candidates, session => [session.Name, session.Id], "session", "berth session list");
    }

    private static bool Matches(SessionView session, string name) =>
        session.Name.StartsWith(name, StringComparison.OrdinalIgnoreCase) || session.Id.StartsWith(name, StringComparison.OrdinalIgnoreCase);

    private SessionView Only(IReadOnlyList<SessionView> sessions) => sessions.Count switch
    {
        1 => sessions[0],
        0 => throw CliException.NotFound("You have no session. Start one with `berth session start`."),
        _ => throw CliException.Usage(
            $"You have {sessions.Count} sessions: {string.Join(", ", sessions.Select(session => session.Name))}. "
            + $"Say which one: `berth session {Name} {sessions[0].Name}`."),
    };
}
