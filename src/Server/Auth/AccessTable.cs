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
}

/// <summary>One endpoint and who may call it.</summary>
public sealed record AccessRow(string Method, string Pattern, AccessRule Rule);

/// <summary>The one visible table of who may do what. An endpoint without a row is closed to all.</summary>
public static class AccessTable
{
    public static IReadOnlyList<AccessRow> Rows { get; } =
    [
        // Health
        new("GET", "/health", AccessRule.Anonymous),
        new("GET", "/api/berth/health", AccessRule.Anonymous),
        new("GET", "/api/berth/version", AccessRule.Anonymous),
        new("GET", "/api/data/version", AccessRule.Anonymous),
        new("GET", "/api/openapi.json", AccessRule.Anonymous),

        // Pages, and what they load
        new("GET", "/assets/{fingerprint}/{name}", AccessRule.Anonymous),
        new("GET", "/favicon.ico", AccessRule.Anonymous),
        new("GET", "/problem", AccessRule.Anonymous),
        new("GET", "/sign-in", AccessRule.Anonymous),
        new("GET", "/", AccessRule.SignedIn),
        new("GET", "/sessions", AccessRule.SignedIn),
        new("POST", "/sessions", AccessRule.SignedIn),
        new("GET", "/sessions/new", AccessRule.SignedIn),
        new("GET", "/sessions/history", AccessRule.SignedIn),
        new("GET", "/sessions/{id}", AccessRule.SessionOwner),
        new("POST", "/sessions/{id}/pause", AccessRule.SessionOwner),
        new("POST", "/sessions/{id}/resume", AccessRule.SessionOwner),
        new("POST", "/sessions/{id}/extend", AccessRule.SessionOwner),
        new("GET", "/sessions/{id}/stop", AccessRule.SessionOwner),
        new("POST", "/sessions/{id}/stop", AccessRule.SessionOwner),
        new("GET", "/launchers", AccessRule.SignedIn),
        new("GET", "/launchers/new", AccessRule.SignedIn),
        new("POST", "/launchers", AccessRule.ProjectEditor),
        new("GET", "/launchers/{id}", AccessRule.ProjectReader),
        new("POST", "/launchers/{id}", AccessRule.ProjectEditor),
        new("GET", "/launchers/{id}/delete", AccessRule.ProjectReader),
        new("POST", "/launchers/{id}/delete", AccessRule.ProjectEditor),
        new("GET", "/environments", AccessRule.SignedIn),
        new("GET", "/environments/new", AccessRule.Admin),
        new("POST", "/environments", AccessRule.Admin),
        new("GET", "/environments/{id}", AccessRule.SignedIn),
        new("POST", "/environments/{id}", AccessRule.Admin),
        new("GET", "/environments/{id}/delete", AccessRule.Admin),
        new("POST", "/environments/{id}/delete", AccessRule.Admin),
        new("GET", "/projects", AccessRule.SignedIn),
        new("GET", "/projects/new", AccessRule.SignedIn),
        new("POST", "/projects", AccessRule.SignedIn),
        new("GET", "/projects/{id}", AccessRule.ProjectReader),
        new("GET", "/projects/{id}/edit", AccessRule.ProjectReader),
        new("POST", "/projects/{id}", AccessRule.ProjectEditor),
        new("GET", "/projects/{id}/delete", AccessRule.ProjectReader),
        new("POST", "/projects/{id}/delete", AccessRule.ProjectOwner),
        new("POST", "/projects/{id}/members", AccessRule.ProjectOwner),
        new("POST", "/projects/{id}/members/delete", AccessRule.ProjectReader),
        new("GET", "/pools", AccessRule.Admin),
        new("GET", "/pools/new", AccessRule.Admin),
        new("POST", "/pools", AccessRule.Admin),
        new("GET", "/pools/{id:int}", AccessRule.Admin),
        new("POST", "/pools/{id:int}", AccessRule.Admin),
        new("GET", "/pools/{id:int}/delete", AccessRule.Admin),
        new("POST", "/pools/{id:int}/delete", AccessRule.Admin),
        new("GET", "/tokens", AccessRule.SignedIn),
        new("POST", "/tokens", AccessRule.SignedIn),
        new("POST", "/tokens/{id}/delete", AccessRule.SignedIn),

        // Sign-in
        new("POST", "/sign-in", AccessRule.Anonymous),
        new("GET", "/sign-in/link", AccessRule.Anonymous),
        new("POST", "/sign-out", AccessRule.SignedIn),
        new("POST", "/api/berth/sign_in_links", AccessRule.SignedIn),
        new("GET", "/api/berth/tokens", AccessRule.SignedIn),
        new("POST", "/api/berth/tokens", AccessRule.SignedIn),
        new("DELETE", "/api/berth/tokens/{id}", AccessRule.SignedIn),

        // Sessions
        new("POST", "/api/berth/sessions", AccessRule.SignedIn),
        new("GET", "/api/berth/sessions", AccessRule.SignedIn),
        new("GET", "/api/berth/events", AccessRule.SignedIn),
        new("GET", "/api/berth/sessions/{session}", AccessRule.SessionOwner),
        new("POST", "/api/berth/sessions/{session}/pause", AccessRule.SessionOwner),
        new("POST", "/api/berth/sessions/{session}/resume", AccessRule.SessionOwner),
        new("POST", "/api/berth/sessions/{session}/stop", AccessRule.SessionOwner),
        new("POST", "/api/berth/sessions/{session}/extend", AccessRule.SessionOwner),
        new("GET", "/api/berth/sessions/{session}/events", AccessRule.SessionOwner),
        new("GET", "/api/berth/sessions/{session}/logs", AccessRule.SessionOwner),
        new("POST", "/api/data/sessions", AccessRule.SignedIn),
        new("GET", "/api/data/sessions", AccessRule.SignedIn),
        new("GET", "/api/data/sessions/images", AccessRule.SignedIn),
        new("GET", "/api/data/sessions/{session}", AccessRule.SessionOwner),
        new("PATCH", "/api/data/sessions/{session}", AccessRule.SessionOwner),
        new("DELETE", "/api/data/sessions/{session}", AccessRule.SessionOwner),
        new("GET", "/api/data/sessions/{session}/logs", AccessRule.SessionOwner),
        new("GET", "/sessions/{id}/open", AccessRule.Anonymous),

        // Users
        new("GET", "/api/data/user", AccessRule.SignedIn),
        new("POST", "/api/berth/password", AccessRule.SignedIn),
        new("GET", "/api/data/users", AccessRule.Admin),
        new("POST", "/api/data/users", AccessRule.Admin),
        new("GET", "/api/data/users/{id}", AccessRule.Admin),
        new("PATCH", "/api/data/users/{id}", AccessRule.Admin),

        // Projects
        new("GET", "/api/data/projects", AccessRule.SignedIn),
        new("POST", "/api/data/projects", AccessRule.SignedIn),
        new("GET", "/api/data/projects/{id}", AccessRule.ProjectReader),
        new("GET", "/api/data/namespaces/{name}/projects/{slug}", AccessRule.ProjectReader),
        new("PATCH", "/api/data/projects/{id}", AccessRule.ProjectEditor),
        new("DELETE", "/api/data/projects/{id}", AccessRule.ProjectOwner),
        new("GET", "/api/data/projects/{id}/members", AccessRule.ProjectReader),
        new("PATCH", "/api/data/projects/{id}/members", AccessRule.ProjectOwner),
        new("DELETE", "/api/data/projects/{id}/members/{user}", AccessRule.ProjectOwner),

        // Environments
        new("GET", "/api/data/environments", AccessRule.SignedIn),
        new("POST", "/api/data/environments", AccessRule.Admin),
        new("GET", "/api/data/environments/{id}", AccessRule.SignedIn),
        new("PATCH", "/api/data/environments/{id}", AccessRule.Admin),
        new("DELETE", "/api/data/environments/{id}", AccessRule.Admin),

        // Launchers
        new("GET", "/api/data/session_launchers", AccessRule.SignedIn),
        new("GET", "/api/data/projects/{id}/session_launchers", AccessRule.ProjectReader),
        new("POST", "/api/data/session_launchers", AccessRule.ProjectEditor),
        new("GET", "/api/data/session_launchers/{id}", AccessRule.ProjectReader),
        new("PATCH", "/api/data/session_launchers/{id}", AccessRule.ProjectEditor),
        new("DELETE", "/api/data/session_launchers/{id}", AccessRule.ProjectEditor),

        // Pools
        new("GET", "/api/data/resource_pools", AccessRule.SignedIn),
        new("POST", "/api/data/resource_pools", AccessRule.Admin),
        new("GET", "/api/data/resource_pools/{id:int}", AccessRule.PoolUser),
        new("PUT", "/api/data/resource_pools/{id:int}", AccessRule.Admin),
        new("PATCH", "/api/data/resource_pools/{id:int}", AccessRule.Admin),
        new("DELETE", "/api/data/resource_pools/{id:int}", AccessRule.Admin),
        new("GET", "/api/data/resource_pools/{id:int}/quota", AccessRule.PoolUser),
        new("PUT", "/api/data/resource_pools/{id:int}/quota", AccessRule.Admin),
        new("PATCH", "/api/data/resource_pools/{id:int}/quota", AccessRule.Admin),
        new("GET", "/api/data/resource_pools/{id:int}/classes", AccessRule.PoolUser),
        new("POST", "/api/data/resource_pools/{id:int}/classes", AccessRule.Admin),
        new("GET", "/api/data/resource_pools/{id:int}/classes/{cid:int}", AccessRule.PoolUser),
        new("PUT", "/api/data/resource_pools/{id:int}/classes/{cid:int}", AccessRule.Admin),
        new("PATCH", "/api/data/resource_pools/{id:int}/classes/{cid:int}", AccessRule.Admin),
        new("DELETE", "/api/data/resource_pools/{id:int}/classes/{cid:int}", AccessRule.Admin),
        new("GET", "/api/data/classes/{id:int}", AccessRule.PoolUser),
        new("GET", "/api/data/resource_pools/{id:int}/users", AccessRule.Admin),
        new("POST", "/api/data/resource_pools/{id:int}/users", AccessRule.Admin),
        new("PUT", "/api/data/resource_pools/{id:int}/users", AccessRule.Admin),
        new("GET", "/api/data/resource_pools/{id:int}/users/{user}", AccessRule.Admin),
        new("DELETE", "/api/data/resource_pools/{id:int}/users/{user}", AccessRule.Admin),
        new("GET", "/api/data/resource_pools/{id:int}/members", AccessRule.Admin),
        new("POST", "/api/data/resource_pools/{id:int}/members", AccessRule.Admin),
        new("PUT", "/api/data/resource_pools/{id:int}/members", AccessRule.Admin),
        new("GET", "/api/data/resource_pools/{id:int}/members/{user}", AccessRule.Admin),
        new("DELETE", "/api/data/resource_pools/{id:int}/members/{user}", AccessRule.Admin),
    ];

    private static readonly FrozenDictionary<(string Method, string Pattern), AccessRule> ByEndpoint =
        Rows.ToFrozenDictionary(r => (r.Method, r.Pattern), r => r.Rule);

    /// <summary>The rule of an endpoint; null: there is no row, and nobody may call it.</summary>
    public static AccessRule? Find(string method, string? pattern) =>
        ByEndpoint.TryGetValue((HttpMethods.IsHead(method) ? "GET" : method, Normalize(pattern)), out var rule) ? rule : null;

    /// <summary>A route pattern as the rows write it: with a slash in front and none behind.</summary>
    public static string Normalize(string? pattern) => "/" + (pattern ?? "").Trim('/');
}
