namespace Berth.Contracts.Users;

/// <summary>The signed-in user: <c>GET /api/data/user</c>.</summary>
/// <param name="Id">ULID.</param>
/// <param name="Username">Unique sign-in name.</param>
/// <param name="IsAdmin">May keep global environments, pools and users.</param>
/// <param name="FirstName">Shown in pages; null when not given.</param>
/// <param name="LastName">Shown in pages; null when not given.</param>
/// <param name="Email">Null when not given.</param>
/// <param name="Disabled">May not sign in.</param>
/// <param name="Quota">What their sessions may hold at once; null: what the installation's default says.</param>
public sealed record UserView(
    string Id, string Username, bool IsAdmin, string? FirstName = null, string? LastName = null, string? Email = null,
    bool Disabled = false, UserQuota? Quota = null);

/// <summary>Makes a user: <c>POST /api/data/users</c>, for admins; PATCH merges into it.</summary>
/// <param name="Username">1–63 lower-case letters, digits, dots, dashes and underscores.</param>
/// <param name="Password">At least 10 characters; null: signs in by link or token only. A PATCH without it keeps it.</param>
/// <param name="IsAdmin">May keep global environments, pools and users.</param>
/// <param name="FirstName">Up to 99 characters.</param>
/// <param name="LastName">Up to 99 characters.</param>
/// <param name="Email">Up to 254 characters.</param>
/// <param name="Disabled">May not sign in; what they have is kept.</param>
/// <param name="Quota">What their sessions may hold at once; null: what the installation's default says.</param>
public sealed record UserRequest(
    string Username, string? Password = null, bool IsAdmin = false, string? FirstName = null, string? LastName = null,
    string? Email = null, bool Disabled = false, UserQuota? Quota = null);

/// <summary>
/// What the sessions of one user may hold at once, in all pools together; null: no limit. Paused and failed sessions hold
/// nothing. The installation's default is at <c>/api/berth/user_quota</c>; a user's own takes its place as a whole.
/// </summary>
/// <param name="Sessions">Sessions, 0 or more.</param>
/// <param name="Cpu">Cores.</param>
/// <param name="Memory">GB.</param>
/// <param name="Gpu">Devices.</param>
public sealed record UserQuota(int? Sessions = null, double? Cpu = null, double? Memory = null, int? Gpu = null);

/// <summary>What the caller may hold and holds: <c>GET /api/berth/quota</c>.</summary>
/// <param name="Limits">The quota that holds for them, their own or the default.</param>
/// <param name="Used">What their sessions hold now. Gpu is -1 where a session has all of its machine.</param>
public sealed record QuotaUse(UserQuota Limits, UserQuota Used);

/// <summary>Changes one's own password: <c>POST /api/berth/password</c>; signs all other browsers out.</summary>
/// <param name="NewPassword">At least 10 characters.</param>
/// <param name="CurrentPassword">Needed where there is one, but not on the server's local socket.</param>
public sealed record PasswordRequest(string NewPassword, string? CurrentPassword = null);

/// <summary>Makes an API token: <c>POST /api/berth/tokens</c>.</summary>
/// <param name="Name">1–99 characters, for the owner to tell tokens apart.</param>
/// <param name="ExpiresInDays">1–366 days; 90 when null.</param>
/// <param name="Scope">
/// What it may be used for: <c>all</c> (when null), <c>sessions</c> (start, see and manage one's own, and read what is
/// needed for it) or <c>read</c> (nothing that changes anything).
/// </param>
public sealed record TokenRequest(string Name, int? ExpiresInDays = null, string? Scope = null);

/// <summary>An API token without its secret.</summary>
/// <param name="Id">ULID.</param>
/// <param name="Name">As given.</param>
/// <param name="CreatedAt">When it was made.</param>
/// <param name="ExpiresAt">When it stops working.</param>
/// <param name="LastUsedAt">To the hour; null when never used.</param>
/// <param name="Scope"><c>all</c>, <c>sessions</c> or <c>read</c>.</param>
public sealed record TokenView(
    string Id, string Name, DateTimeOffset CreatedAt, DateTimeOffset ExpiresAt, DateTimeOffset? LastUsedAt, string Scope = "all");

/// <summary>Answer to making a token: the only time that the secret is shown.</summary>
/// <param name="Token">The view.</param>
/// <param name="Secret">Sent as <c>Authorization: Bearer …</c>. Only its hash is stored.</param>
public sealed record TokenCreated(TokenView Token, string Secret);

/// <summary>A browser that is signed in: <c>GET /api/berth/sign_ins</c>.</summary>
/// <param name="Id">ULID.</param>
/// <param name="CreatedAt">When it was signed in.</param>
/// <param name="UsedAt">To the day.</param>
/// <param name="ExpiresAt">When it ends without use.</param>
/// <param name="Current">It is the one that asks.</param>
public sealed record SignInView(string Id, DateTimeOffset CreatedAt, DateTimeOffset UsedAt, DateTimeOffset ExpiresAt, bool Current);

/// <summary>A link that signs a browser in once: <c>POST /api/berth/sign_in_links</c>.</summary>
/// <param name="Url">Open it in a browser.</param>
/// <param name="ExpiresAt">When it stops working, used or not.</param>
public sealed record SignInLink(string Url, DateTimeOffset ExpiresAt);
