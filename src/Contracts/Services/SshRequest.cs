namespace Berth.Contracts.Services;

/// <summary>
/// A login by SSH: what follows is SSH itself (RFC 4253), to an sshd that is there for this connection alone. The session's
/// user is who logs in, whatever name the client says.
/// </summary>
public sealed record SshRequest : ServiceRequest
{
    /// <summary>On the wire.</summary>
    public const string KindName = "ssh";

    /// <summary>
    /// Public keys that may log in on this connection, each as <c>ssh-ed25519 AAAA…</c>. No other keys are taken, whatever
    /// files the session holds.
    /// </summary>
    public IReadOnlyList<string> Keys { get; init; } = [];
}
