namespace Berth.Contracts.Services;

/// <summary>
/// A command in the session, in the front end's surroundings: its user, working directory and variables. Ends when its client
/// has gone for good. What follows are <see cref="ProcessFrames"/>.
/// </summary>
public sealed record ExecRequest : ServiceRequest
{
    /// <summary>On the wire.</summary>
    public const string KindName = "exec";

    /// <summary>The program alone: arguments may hold what is for nobody's records.</summary>
    public override string? Target() => Command is [var program, ..] ? program : null;

    /// <summary>Program and arguments.</summary>
    public IReadOnlyList<string> Command { get; init; } = [];

    /// <summary>Further variables, or other values.</summary>
    public IReadOnlyDictionary<string, string> Environment { get; init; } = new Dictionary<string, string>();

    /// <summary>Where it starts, below the front end's working directory where it is relative; null: there.</summary>
    public string? WorkingDirectory { get; init; }

    /// <summary>A terminal of this size; null: pipes.</summary>
    public TerminalSize? Terminal { get; init; }

    /// <summary>What the client's terminal understands; for a terminal only.</summary>
    public string? Term { get; init; }
}

/// <summary>
/// A shell at a terminal that lives on when its client goes: opened where there is none of the name, else shown from its last
/// screen on. One client at a time: who comes takes over from who was there. What follows are <see cref="ProcessFrames"/>.
/// </summary>
public sealed record TerminalRequest : ServiceRequest
{
    /// <summary>On the wire.</summary>
    public const string KindName = "terminal";

    /// <inheritdoc/>
    public override string? Target() => Name;

    /// <summary>Which; null: a new one, named by the next number.</summary>
    public string? Name { get; init; }

    /// <summary>The program of a new one; null: the session's own, by its variable SHELL, else bash, else sh.</summary>
    public string? Shell { get; init; }

    /// <summary>Its size from now on.</summary>
    public TerminalSize Size { get; init; } = new(24, 80);

    /// <summary>What the client's terminal understands; for a new one only.</summary>
    public string? Term { get; init; }
}

/// <summary>Which terminals the session has: one line of JSON, a <see cref="TerminalsNow"/>.</summary>
public sealed record TerminalsRequest : ServiceRequest
{
    /// <summary>On the wire.</summary>
    public const string KindName = "terminals";
}

/// <summary>A terminal's size in characters.</summary>
/// <param name="Rows">1 to 65535.</param>
/// <param name="Columns">1 to 65535.</param>
public sealed record TerminalSize(ushort Rows, ushort Columns);

/// <summary>The terminals that a session has.</summary>
/// <param name="Terminals">In the order of their opening.</param>
public sealed record TerminalsNow(IReadOnlyList<TerminalView> Terminals);

/// <summary>One terminal.</summary>
/// <param name="Name">By which it is asked for.</param>
/// <param name="Program">What runs in it now: the shell, or what the shell waits for.</param>
/// <param name="OpenSeconds">For how long it has been open: the session's clock may be another than that of whoever asks.</param>
/// <param name="Attached">Whether a client looks at it.</param>
public sealed record TerminalView(string Name, string Program, long OpenSeconds, bool Attached);
