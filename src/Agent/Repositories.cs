using System.Text;
using Berth.Agent.Unix;
using Berth.Core.Sessions;

namespace Berth.Agent;

/// <summary>
/// Clones repositories into the workspace with the image's own git, where they are not there yet. Whatever goes wrong is a
/// notice: the session starts without that repository.
/// </summary>
internal sealed class Repositories(
    Children children, AgentState state, LogBuffer log, string workspace, IReadOnlyDictionary<string, string> environment, TimeProvider time)
{
    // For all together. It is well under the time that a start may take, so that a hanging clone is told as such.
    private static readonly TimeSpan s_limit = TimeSpan.FromMinutes(10);
    private const int Kill = 9;
    private const string TrustFile = ".berth-clone-settings";

    public async Task CloneAsync(IReadOnlyList<Repository> repositories, CancellationToken stop)
    {
        var wanted = repositories.Where(r => !Directory.Exists(Path.Combine(workspace, r.Directory))).ToList();
        foreach (var twin in repositories.GroupBy(r => r.Directory).SelectMany(same => same.Skip(1)))
        {
            state.Notice($"{Shown(twin.Url)} was not cloned: another repository is in {twin.Directory} already.");
            wanted.Remove(twin);
        }
        if (wanted.Count == 0)
            return;
        if (!SessionEnvironment.Writable(workspace))
        {
            state.Notice($"Nothing was cloned: {workspace} cannot be written by user {Native.getuid()}.");
            return;
        }
        using var limit = new CancellationTokenSource(s_limit, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(stop, limit.Token);
        using var trust = new Removed(Path.Combine(workspace, TrustFile));
        foreach (var repository in wanted)
        {
            try
            {
                await CloneAsync(repository, either.Token);
            }
            catch (OperationCanceledException) when (!stop.IsCancellationRequested)
            {
                state.Notice($"{Shown(repository.Url)} was not cloned: it took longer than {s_limit.TotalMinutes} minutes.");
            }
            catch (Exception e) when (e is GitException or CommandException or IOException or UnauthorizedAccessException)
            {
                state.Notice($"{Shown(repository.Url)} was not cloned: {e.Message}");
            }
        }
    }

    /// <summary>An address without the name and password that may be in it.</summary>
    internal static string Shown(string url) =>
        Uri.TryCreate(url, UriKind.Absolute, out var uri) && uri.UserInfo.Length > 0 && uri.Scheme.StartsWith("http", StringComparison.Ordinal)
            ? url.Replace($"{uri.UserInfo}@", "", StringComparison.Ordinal)
            : url;

    private async Task CloneAsync(Repository repository, CancellationToken ct)
    {
        var target = Path.Combine(workspace, repository.Directory);
        // Made beside and renamed: what has the repository's name is whole, also after a stop in between.
        var draft = Path.Combine(workspace, $".berth-clone-{repository.Directory}");
        if (Directory.Exists(draft))
            Directory.Delete(draft, recursive: true);
        log.Say($"cloning {Shown(repository.Url)}");
        if (repository.IsLocal && !Readable(Source(repository)))
            throw new GitException($"the session's user ({Native.getuid()}) may not read it.");
        try
        {
            IReadOnlyList<string> branch = repository.Branch is { } name ? ["--branch", name] : [];
            await GitAsync(repository, ["clone", "--progress", .. branch, "--", Source(repository), draft], ct);
            if (repository.Commit is { } commit)
                await CheckOutAsync(repository, draft, commit, ct);
            if (File.Exists(Path.Combine(draft, ".gitmodules")))
                await TryGitAsync(repository, "its submodules", ["-C", draft, "submodule", "update", "--init", "--recursive", "--progress"], ct);
            if (repository.Lfs)
                await TryGitAsync(repository, "its LFS files", ["-C", draft, "lfs", "pull"], ct);
            Directory.Move(draft, target);
        }
        catch
        {
            if (Directory.Exists(draft))
                Directory.Delete(draft, recursive: true);
            throw;
        }
    }

    private async Task CheckOutAsync(Repository repository, string draft, string commit, CancellationToken ct)
    {
        try
        {
            await GitAsync(repository, ["-C", draft, "checkout", "--detach", commit], ct);
        }
        catch (GitException)
        {
            // A commit that no branch holds is not part of a clone, but servers give it when it is asked for by name.
            await GitAsync(repository, ["-C", draft, "fetch", "--progress", "origin", commit], ct);
            await GitAsync(repository, ["-C", draft, "checkout", "--detach", commit], ct);
        }
    }

    private async Task TryGitAsync(Repository repository, string what, IReadOnlyList<string> arguments, CancellationToken ct)
    {
        try
        {
            await GitAsync(repository, arguments, ct);
        }
        catch (GitException e)
        {
            state.Notice($"{Shown(repository.Url)} was cloned without {what}: {e.Message}");
        }
    }

    /// <exception cref="GitException">It said no, in its own words.</exception>
    private async Task GitAsync(Repository repository, IReadOnlyList<string> arguments, CancellationToken ct)
    {
        ct.ThrowIfCancellationRequested();
        var git = FindGit();
        var variables = new Dictionary<string, string>(environment)
        {
            // Nobody is there to answer.
            ["GIT_TERMINAL_PROMPT"] = "0",
            ["GIT_ASKPASS"] = "",
            ["SSH_ASKPASS"] = "",
            ["LC_ALL"] = "C",
        };
        variables.TryAdd("GIT_SSH_COMMAND", "ssh -o BatchMode=yes");
        if (!repository.Lfs)
            variables["GIT_LFS_SKIP_SMUDGE"] = "1";
        // Git forbids submodules from local paths, for fear of a stranger's repository; here the user named a local one.
        IReadOnlyList<string> local = repository.IsLocal || repository.Url.StartsWith("file:", StringComparison.Ordinal) ? ["-c", "protocol.file.allow=always"] : [];
        // It belongs to another user than the session's, which git takes for a trap. Only a file of settings reaches the
        // process that git starts on the other side of a local clone.
        if (repository.IsLocal)
            variables["GIT_CONFIG_GLOBAL"] = await TrustFileAsync(ct);

        var words = new GitWords(progress => state.Detail($"cloning {Shown(repository.Url)}: {progress}"));
        state.Detail($"cloning {Shown(repository.Url)}");
        var output = new OutputPipe(bytes =>
        {
            log.Add(bytes);
            words.Add(bytes);
        });
        int exit;
        try
        {
            var child = children.Spawn(new ChildStart(git, ["git", .. local, .. arguments], variables, workspace), output.WriteEnd);
            output.CloseWriteEnd();
            await using var kill = ct.Register(() => child.Signal(Kill));
            exit = await child.Exited;
        }
        catch (SpawnException e)
        {
            throw CommandPath.Refusal(git, e);
        }
        finally
        {
            output.CloseWriteEnd();
        }
        await output.Drained.WaitAsync(TimeSpan.FromSeconds(1), time, CancellationToken.None).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        ct.ThrowIfCancellationRequested();
        if (exit != 0)
            throw new GitException(words.Last is { Length: > 0 } last ? last : $"git ended with {exit}.");
    }

    /// <summary>A local one is where the provider mounted it; without a container it is where it is.</summary>
    private static string Source(Repository repository) =>
        repository.IsLocal && Directory.Exists(repository.MountedAt) ? repository.MountedAt : repository.Url;

    /// <summary>Git would say that it does not exist.</summary>
    private static bool Readable(string folder)
    {
        try
        {
            if (Directory.Exists(folder))
                _ = Directory.EnumerateFileSystemEntries(folder).Any();
            return true;
        }
        catch (UnauthorizedAccessException)
        {
            return false;
        }
    }

    private async Task<string> TrustFileAsync(CancellationToken ct)
    {
        var path = Path.Combine(workspace, TrustFile);
        await File.WriteAllTextAsync(path, "[safe]\n\tdirectory = *\n", ct);
        return path;
    }

    private string FindGit()
    {
        try
        {
            return CommandPath.Find("git", environment["PATH"], workspace);
        }
        catch (CommandException)
        {
            throw new GitException("the image has no git.");
        }
    }

    /// <summary>Picks progress and complaint from what git prints.</summary>
    private sealed class GitWords(Action<string> progress)
    {
        private const int Longest = 300;
        private readonly StringBuilder _line = new();
        private string? _complaint;
        private string _last = "";

        public string Last => _complaint ?? _last;

        public void Add(ReadOnlySpan<byte> bytes)
        {
            foreach (var c in Encoding.UTF8.GetString(bytes))
            {
                if (c is not ('\r' or '\n'))
                {
                    if (_line.Length < Longest)
                        _line.Append(c);
                    continue;
                }
                if (_line.ToString().Trim() is { Length: > 0 } line)
                    Line(line);
                _line.Clear();
            }
        }

        private void Line(string line)
        {
            _last = line;
            if (line.StartsWith("fatal:", StringComparison.Ordinal) || line.StartsWith("error:", StringComparison.Ordinal))
                _complaint ??= line[6..].Trim();
            // "Receiving objects:  45% (9/20), 1.20 MiB | 2.00 MiB/s"
            else if (line.IndexOf('%') is > 0 and var percent)
                progress(string.Join(' ', line[..(percent + 1)].Split(' ', StringSplitOptions.RemoveEmptyEntries)));
        }
    }

    private sealed class Removed(string path) : IDisposable
    {
        public void Dispose() => File.Delete(path);
    }

    private sealed class GitException(string message) : Exception(message);
}
