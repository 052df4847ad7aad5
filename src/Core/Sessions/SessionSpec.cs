namespace Berth.Core.Sessions;

/// <summary>
/// What is wanted, resolved from launcher, class and the start's own options; never changed. A resume with another
/// class makes a new one. A null means "the image's own".
/// </summary>
public sealed record SessionSpec
{
    /// <summary>As the engine reads it: <c>[registry/]name[:tag|@digest]</c>.</summary>
    public required string Image { get; init; }

    /// <summary>Replaces the image's ENTRYPOINT; null keeps it.</summary>
    public IReadOnlyList<string>? Command { get; init; }

    /// <summary>Replaces the image's CMD; null keeps it.</summary>
    public IReadOnlyList<string>? Args { get; init; }

    /// <summary>Absolute; null: the image's WORKDIR, or the workspace where that is <c>/</c>.</summary>
    public string? WorkingDirectory { get; init; }

    /// <summary>Absolute; where the workspace is mounted.</summary>
    public string MountDirectory { get; init; } = "/work";

    /// <summary>User id of every process; null: the image's USER.</summary>
    public int? Uid { get; init; }

    /// <summary>Group id of every process; null: the image's.</summary>
    public int? Gid { get; init; }

    /// <summary>Port that the front end listens on.</summary>
    public int Port { get; init; } = 8888;

    /// <summary>Path that opens first, with a leading slash.</summary>
    public string DefaultUrl { get; init; } = "/";

    /// <summary>Limits.</summary>
    public required SessionResources Resources { get; init; }

    /// <summary>Variables of launcher and start, without those that Berth sets itself.</summary>
    public IReadOnlyDictionary<string, string> Environment { get; init; } = new Dictionary<string, string>();

    /// <summary>Cloned into the workspace at the first start.</summary>
    public IReadOnlyList<Repository> Repositories { get; init; } = [];

    /// <summary>A folder of the machine that is the workspace (<c>--here</c>); null: a volume of the session's own.</summary>
    public HostFolder? HostFolder { get; init; }

    /// <summary>How the server reaches the front end.</summary>
    public Reach Reach { get; init; } = Reach.Agent;
}

/// <summary>How bytes get to a port of a session.</summary>
public enum Reach
{
    /// <summary>Through the agent's outbound connection.</summary>
    Agent,
    /// <summary>By connecting to the session's own address; only where the network is trusted.</summary>
    Direct,
}

/// <summary>What a session may use.</summary>
/// <param name="Cpu">Cores.</param>
/// <param name="MemoryBytes">Bytes; a quarter of it may be shared memory.</param>
/// <param name="DiskBytes">Bytes of workspace, enforced where the provider can.</param>
/// <param name="Gpu">Gpus.</param>
public sealed record SessionResources(double Cpu, long MemoryBytes, long DiskBytes, GpuRequest Gpu);

/// <summary>Which gpus: none, a number, all, or devices by id.</summary>
/// <param name="Count">How many; -1: all; 0: none (or those in <paramref name="Ids"/>).</param>
/// <param name="Ids">Device ids; empty unless chosen by id.</param>
public sealed record GpuRequest(int Count, IReadOnlyList<string> Ids)
{
    /// <summary>No gpu.</summary>
    public static GpuRequest None { get; } = new(0, []);

    /// <summary>Whether any gpu is wanted.</summary>
    public bool Wanted => Count != 0 || Ids.Count > 0;

    /// <summary>Reads <c>all</c>, a number or ids separated by commas.</summary>
    /// <returns>False where the text is neither.</returns>
    public static bool TryParse(string? text, out GpuRequest request)
    {
        request = None;
        if (string.IsNullOrWhiteSpace(text))
            return true;
        if (string.Equals(text, "all", StringComparison.OrdinalIgnoreCase))
            request = new GpuRequest(-1, []);
        else if (int.TryParse(text, out var count) && count is >= 0 and <= 64)
            request = new GpuRequest(count, []);
        else if (text.Contains(',') && text.Split(',') is var ids && ids.All(IsDeviceId))
            request = new GpuRequest(0, [.. ids.Where(id => id.Length > 0)]);
        else if (text.StartsWith("GPU-", StringComparison.Ordinal) && IsDeviceId(text))
            request = new GpuRequest(0, [text]);
        else
            return false;
        return true;

        static bool IsDeviceId(string id) => id.Length <= 64 && id.All(c => char.IsAsciiLetterOrDigit(c) || c == '-');
    }
}

/// <summary>A repository to clone into the workspace.</summary>
/// <param name="Url">As git reads it.</param>
/// <param name="Branch">Branch or tag; null: the default branch.</param>
/// <param name="Commit">Checked out after the clone; null: the branch's head.</param>
/// <param name="Lfs">Fetch LFS files.</param>
public sealed record Repository(string Url, string? Branch = null, string? Commit = null, bool Lfs = false)
{
    /// <summary>Whether it is a folder of the server's machine, which the session sees read-only at <see cref="MountedAt"/>.</summary>
    public bool IsLocal => Url.StartsWith('/');

    /// <summary>Where a local one is mounted in the session, to be cloned from.</summary>
    public string MountedAt => $"/berth-repositories/{Directory}";

    /// <summary>Sub-directory of the workspace: the last segment of the URL, without <c>.git</c>.</summary>
    public string Directory
    {
        get
        {
            var last = Url.TrimEnd('/').Split('/', ':')[^1];
            last = last.EndsWith(".git", StringComparison.Ordinal) ? last[..^4] : last;
            var safe = new string([.. last.Where(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.')]).TrimStart('.', '-');
            return safe.Length == 0 ? "repository" : safe;
        }
    }
}

/// <summary>A folder of the machine, mounted as workspace.</summary>
/// <param name="Path">Absolute, links resolved.</param>
/// <param name="Uid">Owner, so that files made in the session are the owner's.</param>
/// <param name="Gid">Owner's group.</param>
public sealed record HostFolder(string Path, int Uid, int Gid);
