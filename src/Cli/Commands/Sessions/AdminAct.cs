using Berth.Cli.Output;
using Berth.Cli.Servers;
using Berth.Cli.Settings;
using Berth.Contracts.Sessions;

namespace Berth.Cli.Commands.Sessions;

/// <summary>What an admin may do to another's session. It is asked for and not waited for: what becomes of it is its owner's.</summary>
internal static class AdminAct
{
    public static Flag<string?> User() =>
        new("--user", "A session of this user, who is told that it was you (for admins)") { HelpName = "NAME", Personal = true };

    public static async Task<int> RunAsync(Call call, Server server, string user, string? name, string verb, CancellationToken ct)
    {
        var session = await FindAsync(server, user, name, verb, ct);
        await server.Client.ActAsAdminAsync(session.Id, verb, ct);
        call.Report.Line($"Session '{session.Name}' of {session.Username} is asked to {verb}; its work is kept, and {session.Username} is told.");
        return ExitCodes.Ok;
    }

    /// <summary>Another's session, of those that are not over.</summary>
    public static async Task<AdminSessionView> FindAsync(Server server, string user, string? name, string verb, CancellationToken ct)
    {
        var sessions = await server.Client.ListAllSessionsAsync(user, ended: false, ct);
        if (name is null)
            throw CliException.Usage($"Say which session of '{user}': `berth session {verb} NAME --user {user}`. See `berth session list --all-users --user {user}`.");
        return Names.Pick(name, sessions, one => [one.Name, one.Id], "session", $"berth session list --all-users --user {user}");
    }
}
