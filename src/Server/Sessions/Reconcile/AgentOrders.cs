using Berth.Core.Agents;
using Berth.Core.Providers;
using Berth.Core.Sessions;
using Berth.Server.Agents;
using Berth.Server.Images;
using Berth.Server.Proxy;
using Berth.Server.Storage;
using Dapper;

namespace Berth.Server.Sessions.Reconcile;

/// <summary>What a provider is ordered to start, and what the agent inside is told.</summary>
public sealed class AgentOrders(Db db, AgentTokens tokens, SshHostKeys sshKeys, Origins origins, ImageCredentials images)
{
    private static readonly string[] Prefixes = ["RENKU", "BERTH"];

    /// <summary>The complete order of one start.</summary>
    public async Task<StartOrder> ForAsync(StoredSession stored, CancellationToken ct)
    {
        var (session, spec, facts) = (stored.Session, stored.Spec, stored.Facts);
        var agent = new AgentOrder
        {
            SessionId = session.Id,
            Generation = session.Generation,
            Server = $"unix:{AgentFiles.SessionFolder}/{AgentFiles.Socket}",
            Command = [],
            WorkingDirectory = spec.WorkingDirectory,
            MountDirectory = spec.MountDirectory,
            Port = spec.Port,
            Repositories = spec.Repositories,
            SshHostKey = sshKeys.Private(session.Id),
            Environment = await VariablesAsync(stored, ct),
        };
        return new StartOrder(
            session.Key,
            spec,
            agent,
            tokens.Issue(session.Key),
            new Dictionary<string, string> { [StartOrder.NameLabel] = facts.Name, [StartOrder.OwnerLabel] = facts.UserId })
        {
            Workspace = stored.Workspace,
            Access = await images.AccessAsync(facts.UserId, spec.Image, ct),
        };
    }

    private async Task<Dictionary<string, string>> VariablesAsync(StoredSession stored, CancellationToken ct)
    {
        var (session, spec, facts) = (stored.Session, stored.Spec, stored.Facts);
        await using var connection = await db.OpenAsync(ct);
        var path = await connection.QueryFirstOrDefaultAsync<string>(
            "SELECT namespace || '/' || slug FROM projects WHERE id = @ProjectId", new { facts.ProjectId });
        var variables = new Dictionary<string, string>(spec.Environment)
        {
            ["JUPYTER_TOKEN"] = tokens.FrontEndToken(session.Id),
            ["BERTH_SESSION_NAME"] = facts.Name,
            ["BERTH_SESSION_ID"] = session.Id,
        };
        foreach (var prefix in Prefixes)
        {
            variables[$"{prefix}_MOUNT_DIR"] = spec.MountDirectory;
            variables[$"{prefix}_WORKING_DIR"] = spec.WorkingDirectory ?? spec.MountDirectory;
            variables[$"{prefix}_SECRETS_PATH"] = "/secrets";
            variables[$"{prefix}_PROJECT_ID"] = facts.ProjectId;
            variables[$"{prefix}_PROJECT_PATH"] = path ?? string.Empty;
            variables[$"{prefix}_LAUNCHER_ID"] = facts.LauncherId;
            variables[$"{prefix}_BASE_URL_PATH"] = "/";
            variables[$"{prefix}_BASE_URL"] = origins.Of(session.Id);
            variables[$"{prefix}_SESSION_PORT"] = spec.Port.ToString();
            variables[$"{prefix}_SESSION"] = "1";
        }

        // Renku's images expect to listen everywhere; ours listen where only the agent is, unless they are reached directly.
        variables["RENKU_SESSION_IP"] = "0.0.0.0";
        variables["BERTH_SESSION_IP"] = spec.Reach == Reach.Direct ? "0.0.0.0" : "127.0.0.1";
        return variables;
    }
}
