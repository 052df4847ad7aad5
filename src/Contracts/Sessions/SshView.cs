namespace Berth.Contracts.Sessions;

/// <summary>What an SSH client has to know of a session before it connects.</summary>
/// <param name="HostKey">The session's host key, as in known_hosts: <c>ecdsa-sha2-nistp256 AAAA…</c>. The same for as long as the session lives.</param>
public sealed record SshView(string HostKey);
