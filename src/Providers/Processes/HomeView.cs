namespace Berth.Providers.Processes;

/// <summary>
/// What sessions see of the home folder of whoever runs them: all but what begins with a dot, for that is where programs
/// keep what proves somebody to others; and of that again where programs themselves are. The folder is made anew and holds
/// what is seen, so that a secret that is written while the session runs is not seen either.
/// </summary>
/// <param name="home">The folder; null: there is none.</param>
/// <param name="variable">Reads a variable of whoever runs the sessions.</param>
internal sealed class HomeView(string? home, Func<string, string?> variable)
{
    // Programs, their libraries and their data; nothing that they are told by users.
    private static readonly string[] s_programs =
    [
        ".local/bin", ".local/lib", ".local/opt", ".local/share/uv", ".local/share/mamba", ".local/share/micromamba", ".local/share/pipx", ".local/share/virtualenv",
        ".local/share/virtualenvs", ".local/share/pnpm", ".local/share/mise", ".local/share/hatch", ".local/share/fnm", ".local/share/fonts",
        ".local/share/jupyter/kernels", ".local/share/jupyter/labextensions", ".local/share/jupyter/nbextensions",
        ".conda/envs", ".conda/pkgs", ".mamba/envs", ".mamba/pkgs", ".micromamba/envs", ".miniconda3", ".anaconda3", ".miniforge3", ".mambaforge", ".pixi/bin", ".pixi/envs",
        ".venv", ".venvs", ".virtualenvs", ".pyenv", ".rye/py", ".rye/shims", ".R/library", ".julia/packages", ".julia/artifacts", ".julia/compiled", ".julia/juliaup",
        ".julia/environments", ".julia/registries", ".juliaup/bin", ".nvm", ".volta", ".bun/bin", ".deno/bin", ".npm-global", ".asdf", ".rbenv", ".rvm", ".gem/ruby", ".sdkman/candidates",
        ".jdks", ".dotnet/sdk", ".dotnet/shared", ".dotnet/host", ".dotnet/tools", ".dotnet/dotnet", ".cargo/bin", ".rustup", ".opam", ".ghcup/bin", ".ghcup/ghc", ".elan",
        ".linuxbrew", ".nix-profile", ".guix-profile", ".TinyTeX", ".fonts",
    ];

    // Browsers and others keep their dot-folders in there.
    private static readonly string[] s_notSeen = ["snap"];

    // Without links on the way to it; null: there is none that could be made anew.
    private readonly string? _folder = home is not null && Directory.Exists(home) && RealPath(home) is { Length: > 1 } folder ? folder : null;

    /// <summary>Options of bubblewrap's that make it.</summary>
    public IEnumerable<string> Arguments()
    {
        if (_folder is not { } folder)
            return [];
        var visible = new DirectoryInfo(folder).EnumerateFileSystemInfos()
            .Where(entry => !entry.Name.StartsWith('.') && !s_notSeen.Contains(entry.Name)).Select(entry => entry.FullName);
        string[] seen = [.. visible, .. s_programs.Select(name => Path.Combine(folder, name)), .. LedTo(folder)];
        return ["--tmpfs", folder, .. Outermost(seen.Where(Path.Exists)).SelectMany(Show)];
    }

    private static List<string> Outermost(IEnumerable<string> paths)
    {
        var outermost = new List<string>();
        foreach (var path in paths.Distinct().Order(StringComparer.Ordinal))
        {
            if (!outermost.Any(outer => path.StartsWith(outer + "/", StringComparison.Ordinal)))
                outermost.Add(path);
        }

        return outermost;
    }

    /// <summary>Options that make it read-only, once all else is in its place; none where the workspace is in its place.</summary>
    public IEnumerable<string> Close(string workspace) =>
        _folder is null || (_folder + "/").StartsWith(RealPath(workspace).TrimEnd('/') + "/", StringComparison.Ordinal) ? [] : ["--remount-ro", _folder];

    // Links lead where they lead, also to what is not seen.
    private static string[] Show(string path) => new FileInfo(path).LinkTarget is { } target ? ["--symlink", target, path] : ["--ro-bind-try", path, path];

    /// <summary>Where the variables that sessions get lead to.</summary>
    private IEnumerable<string> LedTo(string folder)
    {
        string?[] prefixes = [variable("CONDA_PREFIX"), variable("VIRTUAL_ENV"), variable("CUDA_HOME"), Path.GetDirectoryName(Path.GetDirectoryName(variable("CONDA_EXE")))];
        return ((string[])["PATH", "LD_LIBRARY_PATH"]).SelectMany(name => (variable(name) ?? "").Split(':')).Concat(prefixes)
            .OfType<string>().Where(Path.IsPathFullyQualified).Select(path => Path.TrimEndingDirectorySeparator(Path.GetFullPath(path)))
            .Select(path => path.StartsWith(home + "/", StringComparison.Ordinal) ? folder + path[home!.Length..] : path)
            .Where(path => path.StartsWith(folder + "/.", StringComparison.Ordinal));
    }

    /// <summary>A path without links on the way: bubblewrap makes what is missing on that way, and does not follow them.</summary>
    public static string RealPath(string whole)
    {
        var path = "/";
        foreach (var name in Path.GetFullPath(whole).Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            path = Path.Combine(path, name);
            path = new DirectoryInfo(path).ResolveLinkTarget(returnFinalTarget: true) is { } target ? RealPath(target.FullName) : path;
        }

        return path;
    }
}
