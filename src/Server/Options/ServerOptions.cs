namespace Berth.Server.Options;

/// <summary>Everything that can be configured: section <c>Berth</c>, or variables <c>BERTH_SERVER_…</c>.</summary>
public sealed record ServerOptions
{
    /// <summary>Where everything is kept: database, keys, session folders, logs, local socket. Default: <c>~/.local/share/berth</c>.</summary>
    public required string DataFolder { get; init; }

    /// <summary>Port. 0: a free one (tests).</summary>
    public int Port { get; init; } = 8300;

    /// <summary>Address to listen at: <c>localhost</c>, or an IP address of this machine; <c>0.0.0.0</c> or <c>::</c> for all.</summary>
    public string Listen { get; init; } = "localhost";

    /// <summary>PEM file of the server's certificate and those that it was signed with; null: no TLS here.</summary>
    public string? Certificate { get; init; }

    /// <summary>PEM file of the certificate's key; null: it is in the same file.</summary>
    public string? CertificateKey { get; init; }

    /// <summary>Address that browsers and agents on other machines use; default <c>http://localhost:PORT</c>, <c>https:</c> with a certificate.</summary>
    public Uri? PublicUrl { get; init; }

    /// <summary>
    /// Host of a session's own origin, with <c>{session}</c> in it; default <c>{session}.localhost</c>. The port is the public URL's.
    /// </summary>
    public string SessionHost { get; init; } = "{session}.localhost";

    /// <summary>PostgreSQL URL (<c>postgres://…</c>); null: SQLite in the data folder.</summary>
    public string? DatabaseUrl { get; init; }

    /// <summary>Where the published agent is; default: <c>agent</c> beside the server program.</summary>
    public required string AgentFolder { get; init; }

    /// <summary>Engine's API socket (<c>unix:///…</c>); null: <c>DOCKER_HOST</c>, then the usual places.</summary>
    public string? DockerHost { get; init; }

    /// <summary>Image of the environment that ships; made by <c>environments/jupyterlab/build</c>.</summary>
    public string JupyterImage { get; init; } = "berth/jupyterlab:latest";

    /// <summary>Whether ad-hoc images may run as root inside their containers.</summary>
    public bool AllowRoot { get; init; } = true;

    /// <summary>Requests a second that one caller may make, four times as many at once; 0: as many as they like.</summary>
    public int RequestsPerSecond { get; init; } = 500;

    /// <summary>How many days after its end a session, whose work is deleted by then, is remembered with its history; 0: for ever.</summary>
    public int HistoryDays { get; init; } = 90;

    /// <summary>Streams of commands that one session may have open.</summary>
    public int StreamsPerSession { get; init; } = 64;

    /// <summary>Streams of commands that one user may have open, to all their sessions.</summary>
    public int StreamsPerUser { get; init; } = 256;

    /// <summary>Connections of browsers to the apps of one session: requests that are under way, WebSockets among them.</summary>
    public int BrowserConnectionsPerSession { get; init; } = 256;

    /// <summary>Bytes a second, of both directions together, that all streams of commands to one session may carry; 0: as many as the line does.</summary>
    public int StreamBytesPerSecond { get; init; }

    /// <summary>How often a connection on which nothing is said says something, so that no proxy in between takes it for dead.</summary>
    public TimeSpan PingEvery { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>How long a node may be away before the sessions on it count as lost.</summary>
    public TimeSpan NodeGrace { get; init; } = TimeSpan.FromMinutes(15);

    /// <summary>Machines that one user may have that serve them alone, join tokens that are still good among them.</summary>
    public int NodesPerUser { get; init; } = 20;

    /// <summary>The SQLite file.</summary>
    public string DatabaseFile => Path.Combine(DataFolder, "berth.db");

    /// <summary>The local socket: whoever may open it is who runs the server.</summary>
    public string LocalSocket => Path.Combine(DataFolder, "berth.sock");

    /// <summary>Data Protection keys; apart from the database and its backup.</summary>
    public string KeysFolder => Path.Combine(DataFolder, "keys");

    /// <summary>One folder a session: order, token, socket of its agent. Short, for socket paths end at 107 bytes.</summary>
    public string SessionsFolder => Path.Combine(DataFolder, "s");

    /// <summary>What is remembered of private images in the engine's cache.</summary>
    public string ImagesFolder => Path.Combine(DataFolder, "images");

    /// <summary>Logs of sessions.</summary>
    public string LogsFolder => Path.Combine(DataFolder, "logs");
}
