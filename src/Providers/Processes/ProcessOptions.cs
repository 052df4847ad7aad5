namespace Berth.Providers.Processes;

/// <summary>What processes of this machine need to be sessions.</summary>
public sealed record ProcessOptions
{
    /// <summary>Folder with the agent's bundle.</summary>
    public required string AgentFolder { get; init; }

    /// <summary>One folder a session: order, token and socket of its agent.</summary>
    public required string SessionsFolder { get; init; }

    /// <summary>Workspaces, and what is known of each start.</summary>
    public required string DataFolder { get; init; }

    /// <summary>Folders and files that sessions must not see: secrets of whoever runs them.</summary>
    public IReadOnlyList<string> Hidden { get; init; } = [];

    /// <summary>Program names on <c>PATH</c>, or paths.</summary>
    public string Bubblewrap { get; init; } = "bwrap";
}
