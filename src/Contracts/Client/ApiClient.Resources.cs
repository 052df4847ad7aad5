using Berth.Contracts.Environments;
using Berth.Contracts.Images;
using Berth.Contracts.Launchers;
using Berth.Contracts.Nodes;
using Berth.Contracts.Pools;
using Berth.Contracts.Projects;
using Berth.Contracts.Sessions;
using Berth.Contracts.Users;

namespace Berth.Contracts.Client;

public sealed partial class ApiClient
{
    /// <summary>The global environments.</summary>
    public async Task<IReadOnlyList<EnvironmentView>> ListEnvironmentsAsync(CancellationToken ct, bool archived = false) =>
        await GetAsync(archived ? "api/data/environments?include_archived=true" : "api/data/environments", Json.ListEnvironmentView, ct);

    /// <summary>The launchers of every project that the caller may read.</summary>
    public async Task<IReadOnlyList<LauncherView>> ListLaunchersAsync(CancellationToken ct) =>
        await GetAllAsync("api/data/session_launchers", Json.ListLauncherView, ct);

    /// <summary>The projects that the caller may read.</summary>
    public async Task<IReadOnlyList<ProjectView>> ListProjectsAsync(CancellationToken ct) =>
        await GetAllAsync("api/data/projects", Json.ListProjectView, ct);

    /// <summary>The pools that the caller may use.</summary>
    public async Task<IReadOnlyList<PoolView>> ListPoolsAsync(CancellationToken ct) =>
        await GetAsync("api/data/resource_pools", Json.ListPoolView, ct);

    /// <summary>A token with which one machine joins.</summary>
    public Task<NodeTokenCreated> CreateNodeTokenAsync(NodeTokenRequest request, CancellationToken ct) =>
        PostAsync("api/berth/nodes/tokens", request, Json.NodeTokenRequest, Json.NodeTokenCreated, ct);

    /// <summary>Exchanges a join token for the node's own; needs no sign-in.</summary>
    public Task<JoinAnswer> JoinNodeAsync(JoinRequest request, CancellationToken ct) =>
        PostAsync(NodeRoutes.Join[1..], request, Json.JoinRequest, Json.JoinAnswer, ct);

    /// <summary>Says what a machine offers from now on; needs the machine's own token.</summary>
    /// <returns>What the server has taken it for.</returns>
    public Task<NodeOffer> SetNodeOfferAsync(NodeOffer offer, CancellationToken ct) =>
        SendAsync(HttpMethod.Put, NodeRoutes.Offer[1..], offer, Json.NodeOffer, Json.NodeOffer, ct);

    /// <summary>The queues of the caller's pools.</summary>
    public async Task<IReadOnlyList<QueueView>> ListQueuesAsync(CancellationToken ct) => await GetAsync("api/berth/queues", Json.ListQueueView, ct);

    /// <summary>The machines that joined: for admins all, for others their own.</summary>
    public async Task<IReadOnlyList<NodeView>> ListNodesAsync(CancellationToken ct) => await GetAsync("api/berth/nodes", Json.ListNodeView, ct);

    /// <summary>One of them, by name or id.</summary>
    public Task<NodeView> GetNodeAsync(string node, CancellationToken ct) => GetAsync("api/berth/nodes/" + Escape(node), Json.NodeView, ct);

    /// <summary>Lets a machine take nothing new, or (false) again.</summary>
    public async Task<NodeView> DrainNodeAsync(string node, bool drain, CancellationToken ct)
    {
        using var answer = await SendAsync(new HttpRequestMessage(HttpMethod.Post, $"api/berth/nodes/{Escape(node)}/{(drain ? "drain" : "resume")}"), ct);
        return await ReadAsync(answer, Json.NodeView, ct);
    }

    /// <summary>Forgets a machine; by force also one that has sessions, whose work stays there.</summary>
    public async Task<NodeRemoved> RemoveNodeAsync(string node, bool force, CancellationToken ct)
    {
        using var answer = await SendAsync(new HttpRequestMessage(HttpMethod.Delete, $"api/berth/nodes/{Escape(node)}{(force ? "?force=true" : "")}"), ct);
        return await ReadAsync(answer, Json.NodeRemoved, ct);
    }

    /// <summary>The users, for admins.</summary>
    public async Task<IReadOnlyList<UserView>> ListUsersAsync(CancellationToken ct) =>
        await GetAllAsync("api/data/users", Json.ListUserView, ct);

    /// <summary>Takes away a user's password, sign-ins and (unless kept) API tokens, and makes a link that lets them in once; for admins.</summary>
    public async Task<SignInLink> ResetUserAsync(string id, CancellationToken ct, bool keepTokens = false)
    {
        using var answer = await SendAsync(new HttpRequestMessage(HttpMethod.Post, $"api/data/users/{Escape(id)}/reset{(keepTokens ? "?keep_tokens=true" : "")}"), ct);
        return await ReadAsync(answer, Json.SignInLink, ct);
    }

    /// <summary>What the caller's sessions may hold at once, and what they hold.</summary>
    public Task<QuotaUse> GetQuotaAsync(CancellationToken ct) => GetAsync("api/berth/quota", Json.QuotaUse, ct);

    /// <summary>The quota of users who have none of their own, for admins.</summary>
    public Task<UserQuota> GetDefaultQuotaAsync(CancellationToken ct) => GetAsync("api/berth/user_quota", Json.UserQuota, ct);

    /// <summary>Sets the quota of users who have none of their own, for admins.</summary>
    public Task<UserQuota> SetDefaultQuotaAsync(UserQuota quota, CancellationToken ct) =>
        SendAsync(HttpMethod.Put, "api/berth/user_quota", quota, Json.UserQuota, Json.UserQuota, ct);

    /// <summary>The caller's API tokens.</summary>
    public async Task<IReadOnlyList<TokenView>> ListTokensAsync(CancellationToken ct) =>
        await GetAllAsync("api/berth/tokens", Json.ListTokenView, ct);

    /// <summary>Makes an API token; its secret is shown this once.</summary>
    public Task<TokenCreated> CreateTokenAsync(TokenRequest request, CancellationToken ct) =>
        PostAsync("api/berth/tokens", request, Json.TokenRequest, Json.TokenCreated, ct);

    /// <summary>Revokes an API token.</summary>
    public Task DeleteTokenAsync(string id, CancellationToken ct) => DeleteAsync("api/berth/tokens/" + Escape(id), ct);

    /// <summary>The caller's credentials for registries of images, or the installation's, without passwords.</summary>
    public async Task<IReadOnlyList<ImageCredentialView>> ListImageCredentialsAsync(bool shared, CancellationToken ct) =>
        await GetAsync(ImageCredentials(shared), Json.ListImageCredentialView, ct);

    /// <summary>Keeps credentials for a registry, once it has taken them.</summary>
    public Task<ImageCredentialView> SetImageCredentialAsync(string host, bool shared, ImageCredentialRequest request, CancellationToken ct) =>
        SendAsync(HttpMethod.Put, $"{ImageCredentials(shared)}/{Escape(host)}", request, Json.ImageCredentialRequest, Json.ImageCredentialView, ct);

    /// <summary>Forgets credentials for a registry.</summary>
    public Task DeleteImageCredentialAsync(string host, bool shared, CancellationToken ct) =>
        DeleteAsync($"{ImageCredentials(shared)}/{Escape(host)}", ct);

    /// <summary>Whether an image can be started by the caller.</summary>
    public Task<ImageCheck> CheckImageAsync(string image, CancellationToken ct) =>
        GetAsync("api/data/sessions/images?image_url=" + Escape(image), Json.ImageCheck, ct);

    private static string ImageCredentials(bool shared) => shared ? "api/berth/shared_image_credentials" : "api/berth/image_credentials";

    /// <summary>Makes a link that signs a browser in once, as the caller.</summary>
    public async Task<SignInLink> CreateSignInLinkAsync(CancellationToken ct)
    {
        using var answer = await SendAsync(new HttpRequestMessage(HttpMethod.Post, "api/berth/sign_in_links"), ct);
        return await ReadAsync(answer, Json.SignInLink, ct);
    }
}
