using Berth.Contracts.Problems;
using Berth.Server.Problems;

namespace Berth.Server.Auth;

/// <summary>How a caller proved who they are.</summary>
public enum CallerKind
{
    /// <summary>By the cookie of a sign-in.</summary>
    Browser,
    /// <summary>By an API token.</summary>
    Token,
    /// <summary>By opening the server's local socket, which only who runs the server can.</summary>
    LocalSocket,
}

/// <summary>Who makes a request. Endpoints take it as a parameter; it is there wherever the access table asks for a sign-in.</summary>
/// <param name="UserId">ULID.</param>
/// <param name="Username">Shown name.</param>
/// <param name="IsAdmin">May keep global environments, pools and users.</param>
/// <param name="Kind">How they proved it.</param>
/// <param name="SignInId">Of the browser's sign-in; null for the others.</param>
/// <param name="TokenId">Of the API token; null for the others.</param>
/// <param name="Scope">Of the API token; the others are not limited.</param>
public sealed record Caller(
    string UserId, string Username, bool IsAdmin, CallerKind Kind, string? SignInId, string? TokenId = null, TokenScope Scope = TokenScope.All)
{
    /// <summary>When the API token stops working; null for the others: a sign-in lasts longer by being used.</summary>
    public DateTimeOffset? ExpiresAt { get; init; }

    /// <summary>The person who runs the server, on its own machine: may name folders of it.</summary>
    public bool IsLocal => Kind == CallerKind.LocalSocket;

    /// <summary>Id of the sign-in or token; null on the local socket, where there is nothing to revoke.</summary>
    public string? ProofId => SignInId ?? TokenId;

    /// <summary>Makes it a parameter of endpoints.</summary>
    public static ValueTask<Caller?> BindAsync(HttpContext context) => ValueTask.FromResult<Caller?>(context.GetCaller());
}

public static class CallerOfRequest
{
    /// <summary>Null where nobody is signed in.</summary>
    public static Caller? FindCaller(this HttpContext context) => context.Items[typeof(Caller)] as Caller;

    /// <exception cref="ProblemException">Nobody is signed in.</exception>
    public static Caller GetCaller(this HttpContext context) =>
        context.FindCaller() ?? throw new ProblemException(ProblemCode.SignInNeeded, "Sign in first: open the server's address, or run `berth login`.");

    /// <summary>Where a request comes from, as it is written down: an address, or "local".</summary>
    public static string From(this HttpContext context) =>
        context.Features.Get<LocalPeer>() is null && context.Connection.RemoteIpAddress is { } address
            ? (address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address).ToString()
            : "local";

    internal static void SetCaller(this HttpContext context, Caller caller) => context.Items[typeof(Caller)] = caller;
}
