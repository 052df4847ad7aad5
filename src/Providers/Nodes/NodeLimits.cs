namespace Berth.Providers.Nodes;

/// <summary>
/// What one node may take of its server. A machine says what its owner likes, and may hang: it holds up, fills and wears out
/// nothing but what is its own. Shown to operators in docs/reference/limits.md.
/// </summary>
public sealed record NodeLimits
{
    /// <summary>Until it takes a call up.</summary>
    public TimeSpan Dial { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>Until all of an answer is there: which sessions and workspaces it has, what it knows of an image.</summary>
    public TimeSpan Question { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>Until something is stopped, and its workspace deleted.</summary>
    public TimeSpan Stop { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>Until its workspaces are measured, file by file.</summary>
    public TimeSpan Measurement { get; init; } = TimeSpan.FromMinutes(30);

    /// <summary>Between two words of a start. A large layer is unpacked without any.</summary>
    public TimeSpan StartSilence { get; init; } = TimeSpan.FromMinutes(15);

    /// <summary>Between two writes of what machines say of themselves, of all of them.</summary>
    public TimeSpan SaveEvery { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>All of an answer to a question.</summary>
    public long AnswerBytes { get; init; } = 16 << 20;

    /// <summary>Of what it says unasked: news of its sessions, and what a start is doing. More is read later.</summary>
    public int LinesPerSecond { get; init; } = 100;

    /// <summary>Until it says who it is on a connection that it began.</summary>
    public TimeSpan Hello { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Connections on which it has not said so; more are refused.</summary>
    public int SilentConnections { get; init; } = 4;

    /// <summary>Between two reports of what it measures, and between two connections.</summary>
    public TimeSpan Pause { get; init; } = TimeSpan.FromSeconds(1);
}
