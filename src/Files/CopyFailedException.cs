namespace Berth.Files;

/// <summary>A copy cannot go on, or not begin: the thing and the reason, for the user.</summary>
public sealed class CopyFailedException(string message) : Exception(message);
