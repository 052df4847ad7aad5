namespace Berth.Server.Proxy;

/// <summary>A page with one thing to say.</summary>
/// <param name="Title">Says it.</param>
/// <param name="Text">In a sentence or two.</param>
/// <param name="LinkText">What to do.</param>
/// <param name="Link">Where; null: there is nothing to do.</param>
public sealed record Notice(string Title, string Text, string? LinkText = null, string? Link = null)
{
    /// <summary>The link's path would lead elsewhere, or is cut.</summary>
    public static Notice BadLink { get; } = new("This link is not complete", "Go back and open the session again.");

    /// <summary>No such session, or not the visitor's: the page does not tell which.</summary>
    public static Notice NoSession(string server) =>
        new("There is no such session", "It may be over, or belong to somebody else.", "Your sessions", server + "/");

    /// <summary>A ticket was tried twice, too late, or elsewhere.</summary>
    public static Notice SpentTicket(string again) =>
        new("This link works once", "It was used already, is older than a minute, or was made for another browser.", "Open the session", again);

    /// <summary>It runs, but the connection to it fails.</summary>
    public static Notice NotReached(string name) =>
        new($"{name} cannot be reached", "The session runs, but nothing answers there now. This page tries again by itself.", "Try now", "");

    /// <summary>A further port that leads nowhere, as far as can be told.</summary>
    public static Notice NothingListens(string name, int port) => new(
        $"Nothing answers on port {port} of {name}",
        "Start your app in the session; it may listen on localhost alone. This page tries again by itself.", "Try now", "");

    /// <summary>Something took the connection on a further port, and does not speak HTTP, or broke off.</summary>
    public static Notice NoAnswer(string name, int port) => new(
        $"Port {port} of {name} gave no answer",
        "What listens there closed the connection, or does not speak HTTP. Other protocols are for `berth session forward`.", "Try now", "");

    /// <summary>Nothing more can be opened.</summary>
    public static Notice Full(string name, int most) => new(
        $"{name} has {most} connections open, which is the most",
        "Close some of its tabs, or have browser_connections_per_session raised on the server. This page tries again by itself.", "Try now", "");

    /// <summary>The front end took the connection and gave no answer.</summary>
    public static Notice NoAnswer(string name) =>
        new($"{name} gave no answer", "Its app closed the connection before it answered. This page tries again by itself.", "Try now", "");
}
