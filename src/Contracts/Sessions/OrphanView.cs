namespace Berth.Contracts.Sessions;

/// <summary>A workspace that belongs to no session, as after a backup was restored: nobody but an admin can give it back or delete it.</summary>
/// <param name="Id">Of the workspace: of the session that made it.</param>
/// <param name="Provider">Where it is, such as <c>docker</c>.</param>
/// <param name="MadeAt">When; null: the engine does not say.</param>
/// <param name="OwnerId">Whose it was, as its label says; null: no label says.</param>
/// <param name="Username">Their name; null: not known here.</param>
/// <param name="SessionName">Of the session that made it, as its label says.</param>
/// <param name="Bytes">What it holds; null: not measured.</param>
public sealed record OrphanView(
    string Id, string Provider, DateTimeOffset? MadeAt, string? OwnerId, string? Username, string? SessionName, long? Bytes);

/// <summary>All workspaces that belong to no session, as far as they could be asked for.</summary>
/// <param name="Workspaces">The oldest first.</param>
/// <param name="NotAsked">Providers and machines that did not answer, in sentences: what is there is not known.</param>
public sealed record OrphanList(IReadOnlyList<OrphanView> Workspaces, IReadOnlyList<string> NotAsked);

/// <summary>Gives a workspace that belongs to no session to a user: body of <c>POST /api/berth/workspaces/orphans/{id}/adopt</c>.</summary>
/// <param name="User">Name or id of the user; null: who its label says.</param>
public sealed record AdoptRequest(string? User = null);
