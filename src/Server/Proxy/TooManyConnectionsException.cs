namespace Berth.Server.Proxy;

/// <summary>A session has as many connections of browsers as it may.</summary>
public sealed class TooManyConnectionsException(string sessionId) : IOException($"Session {sessionId} has as many connections of browsers as it may.");
