namespace Berth.Core.Sessions;

/// <summary>What keeps a session from being idle. A page that is merely open is no use of it.</summary>
[Flags]
public enum Uses
{
    /// <summary>Idle.</summary>
    None = 0,
    /// <summary>Its processor is used by at least <see cref="Limits.IdleCpu"/>.</summary>
    Processor = 1,
    /// <summary>A gpu of it works.</summary>
    Gpu = 2,
    /// <summary>Somebody types or clicks.</summary>
    Input = 4,
    /// <summary>A kernel is busy, were it with waiting.</summary>
    Kernel = 8,
    /// <summary>A command runs in a terminal.</summary>
    Terminal = 16,
    /// <summary>Files are copied into it or out of it.</summary>
    Copy = 32,
}

/// <summary>Who sees which use, and what it is called.</summary>
public static class UsesOf
{
    /// <summary>What the agent sees.</summary>
    public const Uses Agent = Uses.Processor | Uses.Gpu | Uses.Kernel | Uses.Terminal | Uses.Copy;

    /// <summary>Each use by itself, in the order in which they are told.</summary>
    public static IEnumerable<Uses> Each(this Uses uses) => Enum.GetValues<Uses>().Where(use => use != Uses.None && uses.HasFlag(use));

    /// <summary>One use in words.</summary>
    public static string Words(this Uses use) => use switch
    {
        Uses.Processor => "processor busy",
        Uses.Gpu => "gpu busy",
        Uses.Input => "input",
        Uses.Kernel => "kernel busy",
        Uses.Terminal => "command in a terminal",
        Uses.Copy => "copy of files",
        _ => throw new ArgumentOutOfRangeException(nameof(use), use, "One use, not several."),
    };
}
