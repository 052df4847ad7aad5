namespace Berth.Providers.Docker;

/// <summary>Which engine, and where this installation keeps what sessions are given.</summary>
public sealed record DockerOptions
{
    /// <summary>Engine's API (<c>unix:///…</c> or <c>tcp://…</c>); null: <c>DOCKER_HOST</c>, then the usual places.</summary>
    public string? Engine { get; init; }

    /// <summary>
    /// Names this installation of Berth. Only containers, volumes and networks that carry it as label are ever looked at or
    /// touched: an engine may serve several installations, and its owner's own containers.
    /// </summary>
    public required string InstallationId { get; init; }

    /// <summary>The published agent on this machine, mounted read-only into every session.</summary>
    public required string AgentFolder { get; init; }

    /// <summary>Parent of one folder a session (its id in lower case), mounted read-only into that session.</summary>
    public required string SessionsFolder { get; init; }

    /// <summary>What is remembered of private images that the engine has in its cache.</summary>
    public required string ImagesFolder { get; init; }

    /// <summary>Whether sessions may run as root inside their containers.</summary>
    public bool AllowRoot { get; init; } = true;

    /// <summary>Processes and threads that one session may have.</summary>
    public int Processes { get; init; } = 4096;

    /// <summary>Files that one process may have open, where the engine's own limit allows as many.</summary>
    public int OpenFiles { get; init; } = 65536;
}
