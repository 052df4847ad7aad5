namespace Berth.Server.Storage;

/// <summary>The server cannot start; the message is a sentence for whoever started it, and all that is shown.</summary>
public sealed class StartupException(string message, Exception? inner = null) : Exception(message, inner);
