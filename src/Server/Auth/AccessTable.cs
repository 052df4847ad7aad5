using System.Collections.Frozen;

namespace Berth.Server.Auth;

/// <summary>
/// Who may call an endpoint. The first group is decided here alone; of the second the table asks for a sign-in, and the
/// handler asks <c>Core/Access/Permissions</c> for the rest: what the caller may not read is not found.
/// </summary>
public enum AccessRule
{
    /// <summary>Everybody.</summary>
    Anonymous,
    /// <summary>An agent, by its session's token, which the handler verifies.</summary>
    Agent,
    /// <summary>A machine that joined, by its own token, which the handler verifies.</summary>
    Node,
    /// <summary>Everybody who is signed in; what they see is theirs, or for all.</summary>
    SignedIn,
    /// <summary>Admins.</summary>
    Admin,
    /// <summary>Who runs the server, through its local socket.</summary>
    Local,

    /// <summary>Who may read the project.</summary>
    ProjectReader,
    /// <summary>Editors and owners of the project.</summary>
    ProjectEditor,
    /// <summary>Owners of the project.</summary>
    ProjectOwner,
    /// <summary>Who may use the resource pool; admins see them all.</summary>
    PoolUser,
    /// <summary>Who started the session.</summary>
    SessionOwner,
    /// <summary>Whose machine it is, and admins.</summary>
    NodeOwner,
}

/// <summary>One endpoint, who may call it, and with tokens of which scope.</summary>
public sealed record AccessRow(string Method, string Pattern, AccessRule Rule, ScopeRule Scope);

/// <summary>The one visible table of who may do what. An endpoint without a row is closed to all.</summary>
public static class AccessTable
{
    public static IReadOnlyList<AccessRow> Rows { get; } =
    [
        // Health
        new("GET", "/health", AccessRule.Anonymous, ScopeRule.Any),
        new("GET", "/api/berth/health", AccessRule.Anonymous, ScopeRule.Any),
        new("GET", "/api/berth/version", AccessRule.Anonymous, ScopeRule.Any),
        new("GET", "/api/data/version", AccessRule.Anonymous, ScopeRule.Any),
        new("GET", "/api/openapi.json", AccessRule.Anonymous, ScopeRule.Any),
        new("GET", "/api/berth/backup", AccessRule.Local, ScopeRule.All),

        // Pages, and what they load
        new("GET", "/assets/{fingerprint}/{name}", AccessRule.Anonymous, ScopeRule.Any),
        new("GET", "/favicon.ico", AccessRule.Anonymous, ScopeRule.Any),
        new("GET", "/problem", AccessRule.Anonymous, ScopeRule.Any),
        new("GET", "/sign-in", AccessRule.Anonymous, ScopeRule.Any),
        new("GET", "/", AccessRule.SignedIn, ScopeRule.Any),
        new("GET", "/sessions", AccessRule.SignedIn, ScopeRule.Any),
        new("POST", "/sessions", AccessRule.SignedIn, ScopeRule.Sessions),
        new("GET", "/sessions/new", AccessRule.SignedIn, ScopeRule.Any),
        new("GET", "/sessions/history", AccessRule.SignedIn, ScopeRule.Any),
        new("GET", "/sessions/{id}", AccessRule.SessionOwner, ScopeRule.Any),
        new("GET", "/sessions/{id}/terminal", AccessRule.SessionOwner, ScopeRule.Sessions),
        new("GET", "/sessions/{id}/terminal/connect", AccessRule.SessionOwner, ScopeRule.Sessions),
        new("POST", "/sessions/{id}/pause", AccessRule.SessionOwner, ScopeRule.Sessions),
        new("POST", "/sessions/{id}/resume", AccessRule.SessionOwner, ScopeRule.Sessions),
        new("POST", "/sessions/{id}/extend", AccessRule.SessionOwner, ScopeRule.Sessions),
        new("POST", "/sessions/{id}/continue", AccessRule.SessionOwner, ScopeRule.Sessions),
        new("POST", "/sessions/{id}/elsewhere", AccessRule.SessionOwner, ScopeRule.Sessions),
        new("GET", "/sessions/{id}/stop", AccessRule.SessionOwner, ScopeRule.Any),
        new("POST", "/sessions/{id}/stop", AccessRule.SessionOwner, ScopeRule.Sessions),
        new("GET", "/launchers", AccessRule.SignedIn, ScopeRule.Any),
        new("GET", "/launchers/new", AccessRule.SignedIn, ScopeRule.Read),
        new("POST", "/launchers", AccessRule.ProjectEditor, ScopeRule.All),
        new("GET", "/launchers/{id}", AccessRule.ProjectReader, ScopeRule.Any),
        new("POST", "/launchers/{id}", AccessRule.ProjectEditor, ScopeRule.All),
        new("GET", "/launchers/{id}/delete", AccessRule.ProjectReader, ScopeRule.Read),
        new("POST", "/launchers/{id}/delete", AccessRule.ProjectEditor, ScopeRule.All),
        new("GET", "/environments", AccessRule.SignedIn, ScopeRule.Any),
        new("GET", "/environments/new", AccessRule.Admin, ScopeRule.Read),
        new("POST", "/environments", AccessRule.Admin, ScopeRule.All),
        new("GET", "/environments/{id}", AccessRule.SignedIn, ScopeRule.Any),
        new("POST", "/environments/{id}", AccessRule.Admin, ScopeRule.All),
        new("GET", "/environments/{id}/delete", AccessRule.Admin, ScopeRule.Read),
        new("POST", "/environments/{id}/delete", AccessRule.Admin, ScopeRule.All),
        new("GET", "/projects", AccessRule.SignedIn, ScopeRule.Any),
        new("GET", "/projects/new", AccessRule.SignedIn, ScopeRule.Read),
        new("POST", "/projects", AccessRule.SignedIn, ScopeRule.All),
        new("GET", "/projects/{id}", AccessRule.ProjectReader, ScopeRule.Any),
        new("GET", "/projects/{id}/edit", AccessRule.ProjectReader, ScopeRule.Read),
        new("POST", "/projects/{id}", AccessRule.ProjectEditor, ScopeRule.All),
        new("GET", "/projects/{id}/delete", AccessRule.ProjectReader, ScopeRule.Read),
        new("POST", "/projects/{id}/delete", AccessRule.ProjectOwner, ScopeRule.All),
        new("POST", "/projects/{id}/members", AccessRule.ProjectOwner, ScopeRule.All),
        new("POST", "/projects/{id}/members/delete", AccessRule.ProjectReader, ScopeRule.All),
        new("GET", "/pools", AccessRule.Admin, ScopeRule.Read),
        new("GET", "/pools/new", AccessRule.Admin, ScopeRule.Read),
        new("POST", "/pools", AccessRule.Admin, ScopeRule.All),
        new("GET", "/pools/{id:int}", AccessRule.Admin, ScopeRule.Read),
        new("POST", "/pools/{id:int}", AccessRule.Admin, ScopeRule.All),
        new("GET", "/pools/{id:int}/delete", AccessRule.Admin, ScopeRule.Read),
        new("POST", "/pools/{id:int}/delete", AccessRule.Admin, ScopeRule.All),
        new("GET", "/nodes", AccessRule.SignedIn, ScopeRule.Read),
        new("POST", "/nodes/tokens", AccessRule.SignedIn, ScopeRule.All),
        new("POST", "/nodes/{node}/drain", AccessRule.NodeOwner, ScopeRule.All),
        new("POST", "/nodes/{node}/resume", AccessRule.NodeOwner, ScopeRule.All),
        new("GET", "/nodes/{node}/remove", AccessRule.NodeOwner, ScopeRule.Read),
        new("POST", "/nodes/{node}/remove", AccessRule.NodeOwner, ScopeRule.All),
        new("GET", "/users", AccessRule.Admin, ScopeRule.Read),
        new("GET", "/users/new", AccessRule.Admin, ScopeRule.Read),
        new("POST", "/users", AccessRule.Admin, ScopeRule.All),
        new("POST", "/users/quota", AccessRule.Admin, ScopeRule.All),
        new("GET", "/users/{id}", AccessRule.Admin, ScopeRule.Read),
        new("POST", "/users/{id}", AccessRule.Admin, ScopeRule.All),
        new("POST", "/users/{id}/link", AccessRule.Admin, ScopeRule.All),
        new("POST", "/pools/{id:int}/users", AccessRule.Admin, ScopeRule.All),
        new("POST", "/pools/{id:int}/users/delete", AccessRule.Admin, ScopeRule.All),
        new("GET", "/sessions/all", AccessRule.Admin, ScopeRule.Read),
        new("POST", "/sessions/all/{id}/pause", AccessRule.Admin, ScopeRule.All),
        new("POST", "/sessions/all/{id}/stop", AccessRule.Admin, ScopeRule.All),
        new("POST", "/sessions/all/{id}/priority", AccessRule.Admin, ScopeRule.All),
        new("GET", "/account", AccessRule.SignedIn, ScopeRule.Read),
        new("POST", "/account/password", AccessRule.SignedIn, ScopeRule.All),
        new("POST", "/account/sign-ins/delete", AccessRule.SignedIn, ScopeRule.All),
        new("GET", "/tokens", AccessRule.SignedIn, ScopeRule.Read),
        new("POST", "/tokens", AccessRule.SignedIn, ScopeRule.All),
        new("POST", "/tokens/{id}/delete", AccessRule.SignedIn, ScopeRule.All),
        new("GET", "/image-credentials", AccessRule.SignedIn, ScopeRule.Read),
        new("POST", "/image-credentials", AccessRule.SignedIn, ScopeRule.All),
        new("POST", "/image-credentials/{host}/delete", AccessRule.SignedIn, ScopeRule.All),

        // Sign-in
        new("POST", "/sign-in", AccessRule.Anonymous, ScopeRule.Any),
        new("GET", "/sign-in/link", AccessRule.Anonymous, ScopeRule.Any),
        new("POST", "/sign-out", AccessRule.SignedIn, ScopeRule.All),
        new("POST", "/api/berth/sign_in_links", AccessRule.SignedIn, ScopeRule.All),
        new("GET", "/api/berth/sign_ins", AccessRule.SignedIn, ScopeRule.Read),
        new("DELETE", "/api/berth/sign_ins", AccessRule.SignedIn, ScopeRule.All),
        new("DELETE", "/api/berth/sign_ins/{id}", AccessRule.SignedIn, ScopeRule.All),
        new("GET", "/api/berth/tokens", AccessRule.SignedIn, ScopeRule.Read),
        new("POST", "/api/berth/tokens", AccessRule.SignedIn, ScopeRule.All),
        new("DELETE", "/api/berth/tokens/{id}", AccessRule.SignedIn, ScopeRule.All),

        // Sessions
        new("POST", "/api/berth/sessions", AccessRule.SignedIn, ScopeRule.Sessions),
        new("GET", "/api/berth/sessions", AccessRule.SignedIn, ScopeRule.Any),
        new("GET", "/api/berth/events", AccessRule.SignedIn, ScopeRule.Any),
        new("GET", "/api/berth/sessions/{session}", AccessRule.SessionOwner, ScopeRule.Any),
        new("POST", "/api/berth/sessions/{session}/pause", AccessRule.SessionOwner, ScopeRule.Sessions),
        new("POST", "/api/berth/sessions/{session}/resume", AccessRule.SessionOwner, ScopeRule.Sessions),
        new("POST", "/api/berth/sessions/{session}/stop", AccessRule.SessionOwner, ScopeRule.Sessions),
        new("POST", "/api/berth/sessions/{session}/extend", AccessRule.SessionOwner, ScopeRule.Sessions),
        new("POST", "/api/berth/sessions/{session}/priority", AccessRule.SessionOwner, ScopeRule.Sessions),
        new("GET", "/api/berth/sessions/{session}/events", AccessRule.SessionOwner, ScopeRule.Any),
        new("GET", "/api/berth/sessions/{session}/logs", AccessRule.SessionOwner, ScopeRule.Any),
        new("GET", "/api/berth/sessions/{session}/connect", AccessRule.SessionOwner, ScopeRule.Sessions),
        new("GET", "/api/berth/sessions/{session}/ssh", AccessRule.SessionOwner, ScopeRule.Any),
        new("GET", "/api/berth/sessions/{session}/front_end", AccessRule.SessionOwner, ScopeRule.Sessions),
        new("GET", "/api/berth/sessions/{session}/connections", AccessRule.SessionOwner, ScopeRule.Any),
        new("GET", "/api/berth/connections", AccessRule.Admin, ScopeRule.Read),
        new("GET", "/api/berth/all_sessions", AccessRule.Admin, ScopeRule.Read),
        new("POST", "/api/berth/all_sessions/{session}/pause", AccessRule.Admin, ScopeRule.All),
        new("POST", "/api/berth/all_sessions/{session}/stop", AccessRule.Admin, ScopeRule.All),
        new("POST", "/api/berth/all_sessions/{session}/priority", AccessRule.Admin, ScopeRule.All),
        new("GET", "/api/berth/workspaces/orphans", AccessRule.Admin, ScopeRule.Read),
        new("POST", "/api/berth/workspaces/orphans/{id}/adopt", AccessRule.Admin, ScopeRule.All),
        new("DELETE", "/api/berth/workspaces/orphans/{id}", AccessRule.Admin, ScopeRule.All),
        new("POST", "/api/data/sessions", AccessRule.SignedIn, ScopeRule.Sessions),
        new("GET", "/api/data/sessions", AccessRule.SignedIn, ScopeRule.Any),
        new("GET", "/api/data/sessions/images", AccessRule.SignedIn, ScopeRule.Any),
        new("GET", "/api/data/sessions/{session}", AccessRule.SessionOwner, ScopeRule.Any),
        new("PATCH", "/api/data/sessions/{session}", AccessRule.SessionOwner, ScopeRule.Sessions),
        new("DELETE", "/api/data/sessions/{session}", AccessRule.SessionOwner, ScopeRule.Sessions),
        new("GET", "/api/data/sessions/{session}/logs", AccessRule.SessionOwner, ScopeRule.Any),
        new("GET", "/sessions/{id}/open", AccessRule.Anonymous, ScopeRule.Any),

        // Agents on other machines; those on this one have sockets of their own, where nothing else is served
        new("GET", "/api/berth/agent/control", AccessRule.Agent, ScopeRule.Any),
        new("GET", "/api/berth/agent/stream", AccessRule.Agent, ScopeRule.Any),

        // Machines that join
        new("GET", "/api/berth/nodes", AccessRule.SignedIn, ScopeRule.Read),
        new("GET", "/api/berth/queues", AccessRule.SignedIn, ScopeRule.Any),
        new("POST", "/api/berth/nodes/tokens", AccessRule.SignedIn, ScopeRule.All),
        new("GET", "/api/berth/nodes/{node}", AccessRule.NodeOwner, ScopeRule.Read),
        new("POST", "/api/berth/nodes/{node}/drain", AccessRule.NodeOwner, ScopeRule.All),
        new("POST", "/api/berth/nodes/{node}/resume", AccessRule.NodeOwner, ScopeRule.All),
        new("DELETE", "/api/berth/nodes/{node}", AccessRule.NodeOwner, ScopeRule.All),
        new("POST", "/api/berth/node/join", AccessRule.Anonymous, ScopeRule.Any),
        new("PUT", "/api/berth/node/offer", AccessRule.Node, ScopeRule.Any),
        new("GET", "/api/berth/node/control", AccessRule.Node, ScopeRule.Any),
        new("GET", "/api/berth/node/stream", AccessRule.Node, ScopeRule.Any),

        // Images
        new("GET", "/api/berth/image_credentials", AccessRule.SignedIn, ScopeRule.Read),
        new("PUT", "/api/berth/image_credentials/{host}", AccessRule.SignedIn, ScopeRule.All),
        new("DELETE", "/api/berth/image_credentials/{host}", AccessRule.SignedIn, ScopeRule.All),
        new("GET", "/api/berth/shared_image_credentials", AccessRule.Admin, ScopeRule.Read),
        new("PUT", "/api/berth/shared_image_credentials/{host}", AccessRule.Admin, ScopeRule.All),
        new("DELETE", "/api/berth/shared_image_credentials/{host}", AccessRule.Admin, ScopeRule.All),

        // Users
        new("GET", "/api/data/user", AccessRule.SignedIn, ScopeRule.Any),
        new("POST", "/api/berth/password", AccessRule.SignedIn, ScopeRule.All),
        new("GET", "/api/data/users", AccessRule.Admin, ScopeRule.Read),
        new("POST", "/api/data/users", AccessRule.Admin, ScopeRule.All),
        new("GET", "/api/data/users/{id}", AccessRule.Admin, ScopeRule.Read),
        new("PATCH", "/api/data/users/{id}", AccessRule.Admin, ScopeRule.All),
        new("POST", "/api/data/users/{id}/reset", AccessRule.Admin, ScopeRule.All),
        new("GET", "/api/berth/quota", AccessRule.SignedIn, ScopeRule.Any),
        new("GET", "/api/berth/user_quota", AccessRule.Admin, ScopeRule.Read),
        new("PUT", "/api/berth/user_quota", AccessRule.Admin, ScopeRule.All),

        // Projects
        new("GET", "/api/data/projects", AccessRule.SignedIn, ScopeRule.Any),
        new("POST", "/api/data/projects", AccessRule.SignedIn, ScopeRule.All),
        new("GET", "/api/data/projects/{id}", AccessRule.ProjectReader, ScopeRule.Any),
        new("GET", "/api/data/namespaces/{name}/projects/{slug}", AccessRule.ProjectReader, ScopeRule.Any),
        new("PATCH", "/api/data/projects/{id}", AccessRule.ProjectEditor, ScopeRule.All),
        new("DELETE", "/api/data/projects/{id}", AccessRule.ProjectOwner, ScopeRule.All),
        new("GET", "/api/data/projects/{id}/members", AccessRule.ProjectReader, ScopeRule.Any),
        new("PATCH", "/api/data/projects/{id}/members", AccessRule.ProjectOwner, ScopeRule.All),
        new("DELETE", "/api/data/projects/{id}/members/{user}", AccessRule.ProjectOwner, ScopeRule.All),

        // Environments
        new("GET", "/api/data/environments", AccessRule.SignedIn, ScopeRule.Any),
        new("POST", "/api/data/environments", AccessRule.Admin, ScopeRule.All),
        new("GET", "/api/data/environments/{id}", AccessRule.SignedIn, ScopeRule.Any),
        new("PATCH", "/api/data/environments/{id}", AccessRule.Admin, ScopeRule.All),
        new("DELETE", "/api/data/environments/{id}", AccessRule.Admin, ScopeRule.All),

        // Launchers
        new("GET", "/api/data/session_launchers", AccessRule.SignedIn, ScopeRule.Any),
        new("GET", "/api/data/projects/{id}/session_launchers", AccessRule.ProjectReader, ScopeRule.Any),
        new("POST", "/api/data/session_launchers", AccessRule.ProjectEditor, ScopeRule.All),
        new("GET", "/api/data/session_launchers/{id}", AccessRule.ProjectReader, ScopeRule.Any),
        new("PATCH", "/api/data/session_launchers/{id}", AccessRule.ProjectEditor, ScopeRule.All),
        new("DELETE", "/api/data/session_launchers/{id}", AccessRule.ProjectEditor, ScopeRule.All),

        // Pools
        new("GET", "/api/data/resource_pools", AccessRule.SignedIn, ScopeRule.Any),
        new("POST", "/api/data/resource_pools", AccessRule.Admin, ScopeRule.All),
        new("GET", "/api/data/resource_pools/{id:int}", AccessRule.PoolUser, ScopeRule.Any),
        new("PUT", "/api/data/resource_pools/{id:int}", AccessRule.Admin, ScopeRule.All),
        new("PATCH", "/api/data/resource_pools/{id:int}", AccessRule.Admin, ScopeRule.All),
        new("DELETE", "/api/data/resource_pools/{id:int}", AccessRule.Admin, ScopeRule.All),
        new("GET", "/api/data/resource_pools/{id:int}/quota", AccessRule.PoolUser, ScopeRule.Any),
        new("PUT", "/api/data/resource_pools/{id:int}/quota", AccessRule.Admin, ScopeRule.All),
        new("PATCH", "/api/data/resource_pools/{id:int}/quota", AccessRule.Admin, ScopeRule.All),
        new("GET", "/api/data/resource_pools/{id:int}/classes", AccessRule.PoolUser, ScopeRule.Any),
        new("POST", "/api/data/resource_pools/{id:int}/classes", AccessRule.Admin, ScopeRule.All),
        new("GET", "/api/data/resource_pools/{id:int}/classes/{cid:int}", AccessRule.PoolUser, ScopeRule.Any),
        new("PUT", "/api/data/resource_pools/{id:int}/classes/{cid:int}", AccessRule.Admin, ScopeRule.All),
        new("PATCH", "/api/data/resource_pools/{id:int}/classes/{cid:int}", AccessRule.Admin, ScopeRule.All),
        new("DELETE", "/api/data/resource_pools/{id:int}/classes/{cid:int}", AccessRule.Admin, ScopeRule.All),
        new("GET", "/api/data/classes/{id:int}", AccessRule.PoolUser, ScopeRule.Any),
        new("GET", "/api/data/resource_pools/{id:int}/users", AccessRule.Admin, ScopeRule.Read),
        new("POST", "/api/data/resource_pools/{id:int}/users", AccessRule.Admin, ScopeRule.All),
        new("PUT", "/api/data/resource_pools/{id:int}/users", AccessRule.Admin, ScopeRule.All),
        new("GET", "/api/data/resource_pools/{id:int}/users/{user}", AccessRule.Admin, ScopeRule.Read),
        new("DELETE", "/api/data/resource_pools/{id:int}/users/{user}", AccessRule.Admin, ScopeRule.All),
        new("GET", "/api/data/resource_pools/{id:int}/members", AccessRule.Admin, ScopeRule.Read),
        new("POST", "/api/data/resource_pools/{id:int}/members", AccessRule.Admin, ScopeRule.All),
        new("PUT", "/api/data/resource_pools/{id:int}/members", AccessRule.Admin, ScopeRule.All),
        new("GET", "/api/data/resource_pools/{id:int}/members/{user}", AccessRule.Admin, ScopeRule.Read),
        new("DELETE", "/api/data/resource_pools/{id:int}/members/{user}", AccessRule.Admin, ScopeRule.All),
    ];

    private static readonly FrozenDictionary<(string Method, string Pattern), AccessRow> ByEndpoint =
        Rows.ToFrozenDictionary(r => (r.Method, r.Pattern));

    /// <summary>The row of an endpoint; null: there is none, and nobody may call it.</summary>
    public static AccessRow? Find(string method, string? pattern) =>
        ByEndpoint.GetValueOrDefault((HttpMethods.IsHead(method) ? "GET" : method, Normalize(pattern)));

    /// <summary>A route pattern as the rows write it: with a slash in front and none behind.</summary>
    public static string Normalize(string? pattern) => "/" + (pattern ?? "").Trim('/');
}
