using System.Text.RegularExpressions;
using Berth.Contracts.Problems;
using Berth.Contracts.Sessions;
using Berth.Core.Ids;
using Berth.Core.Queues;
using Berth.Core.Sessions;
using Berth.Server.Auth;
using Berth.Server.Problems;

namespace Berth.Server.Sessions;

/// <summary>What a start may say, field by field, and the spec that follows from it.</summary>
public static partial class StartRules
{
    private const int MaxVariables = 32;

    /// <summary>Refuses a request whose fields are out of range, naming the first.</summary>
    public static void Check(StartRequest request, Caller caller)
    {
        ArgumentNullException.ThrowIfNull(request);
        var chosen = new[] { request.LauncherId, request.EnvironmentId, request.Image }.Count(v => v is not null);
        if (chosen > 1)
            throw Invalid("launcher_id", "Give one of launcher_id, environment_id and image.");
        if (request is { Continue: not null, InsteadOf: not null })
            throw Invalid("instead_of", "A session goes on from the work of another, or is started instead of one whose work is out of reach, not both.");
        if (request.Name is { } name && !NamePattern().IsMatch(name))
            throw Invalid("name", $"A session's name has 1 to {SessionNaming.MaxLength} characters: letters, digits, dots, dashes and underscores, beginning with a letter or digit.");
        if (request.Name is { } id && Ulid.IsValid(id.ToUpperInvariant()))
            throw Invalid("name", "This name looks like the id of a session, and is taken for one wherever it is named: choose another.");
        if (request.Image is { } image)
            CheckImage(image, "image");
        if (request.Port is < 1 or > 65399)
            throw Invalid("port", "A port is a number from 1 to 65399.");
        if (request.DefaultUrl is { } url && (url.Length > 200 || !url.StartsWith('/') || url.StartsWith("//", StringComparison.Ordinal) || url.Any(char.IsControl)))
            throw Invalid("default_url", "default_url is a path that begins with one /, up to 200 characters.");
        if (request.Env is { } env)
            CheckVariables(env);
        if (request.Priority is { } priority)
            CheckPriority(priority, caller);
        if (request.HostFolder is not null && !caller.IsLocal)
            throw new ProblemException(
                ProblemCode.Forbidden, "Folders of the server's machine can be used only by who runs the server, through its local socket. Use --repo instead.", "host_folder");
        foreach (var (repository, index) in (request.Repositories ?? []).Select((r, i) => (r, i)))
            CheckRepository(repository, $"repositories[{index}]", caller);
        if ((request.Repositories?.Count ?? 0) > 20)
            throw Invalid("repositories", "A session has at most 20 repositories.");
    }

    /// <summary>Refuses a priority that there is not, or that is not for the caller.</summary>
    public static void CheckPriority(int priority, Caller caller)
    {
        ArgumentNullException.ThrowIfNull(caller);
        if (priority is < -QueueRules.HighestPriority or > QueueRules.HighestPriority)
            throw Invalid("priority", $"A priority is a whole number from -{QueueRules.HighestPriority} to {QueueRules.HighestPriority}.");
        if (priority > 0 && !caller.IsAdmin)
            throw new ProblemException(ProblemCode.Forbidden, "Only admins let a session go before others. Leave the priority out, or choose one below 0 to let others go first.", "priority");
    }

    /// <summary>Refuses what no engine could read as an image.</summary>
    public static void CheckImage(string image, string field)
    {
        if (image is not { Length: >= 1 and <= 500 } || !ImagePattern().IsMatch(image))
            throw Invalid(field, "An image is written as [registry/]name[:tag] or name@sha256:…, in lower case, up to 500 characters.");
    }

    /// <summary>What is wanted, complete.</summary>
    public static SessionSpec Spec(StartRequest request, LaunchTarget target, ChosenClass chosen, Caller caller)
    {
        // Whoever wrote the path into the project may see the folder; that says nothing of whoever starts it.
        if (target.Repositories.FirstOrDefault(url => url.StartsWith('/')) is { } local && !caller.IsLocal)
            throw new ProblemException(
                ProblemCode.Forbidden,
                $"The project's repository '{local}' is a folder of the server's machine: only who runs the server can start it, with `berth session start` on that machine.",
                "launcher_id");
        var folder = request.HostFolder is { } path ? HostFolders.Resolve(path) : null;
        var variables = new Dictionary<string, string>(target.Variables);
        foreach (var (name, value) in request.Env ?? new Dictionary<string, string>())
            variables[name] = value;
        return target.Spec with
        {
            Command = request.Command ?? target.Spec.Command,
            Args = request.Args ?? target.Spec.Args,
            Port = request.Port ?? target.Spec.Port,
            DefaultUrl = request.DefaultUrl ?? target.Spec.DefaultUrl,
            Resources = chosen.Resources,
            Environment = variables,
            Repositories = [.. target.Repositories.Select(url => new Repository(url))
                .Concat((request.Repositories ?? []).Select(r => new Repository(r.Url, r.Branch, r.Commit, r.Lfs))).Select(HostFolders.Resolve)],
            HostFolder = folder,
            Reach = chosen.Row.Reach == "direct" ? Reach.Direct : Reach.Agent,
        };
    }

    private static void CheckVariables(IReadOnlyDictionary<string, string> env)
    {
        if (env.Count > MaxVariables)
            throw Invalid("env", $"A session has at most {MaxVariables} variables of its own.");
        foreach (var (name, value) in env)
        {
            if (name.Length > 256 || !VariablePattern().IsMatch(name))
                throw Invalid($"env.{Short(name)}", "A variable's name begins with a letter or _ and holds letters, digits and _, up to 256 characters.");
            if (name.StartsWith("RENKU", StringComparison.OrdinalIgnoreCase) || name.StartsWith("BERTH", StringComparison.OrdinalIgnoreCase))
                throw Invalid($"env.{name}", "Names that begin with RENKU or BERTH are set by the server.");
            if (value is null || value.Length > 500 || value.Contains('\0'))
                throw Invalid($"env.{name}", "A variable's value has up to 500 characters.");
        }
    }

    private static void CheckRepository(RepositoryRequest repository, string field, Caller caller)
    {
        var url = repository.Url ?? string.Empty;
        if (url.StartsWith('/') || url.StartsWith("file:", StringComparison.OrdinalIgnoreCase))
        {
            if (!caller.IsLocal)
                throw new ProblemException(ProblemCode.Forbidden, "A path of the server's machine can be cloned only by who runs the server, through its local socket.", $"{field}.url");
            if (!url.StartsWith('/') || !Directory.Exists(url))
                throw Invalid($"{field}.url", $"There is no repository folder '{Short(url)}' on the server's machine.");
        }
        else if (url.Length > 2000 || !RepositoryPattern().IsMatch(url))
        {
            throw Invalid($"{field}.url", "A repository is an https://, http://, ssh:// or git:// URL, git@host:path, or a path of the server's machine.");
        }

        if (repository.Branch is { } branch && !ReferencePattern().IsMatch(branch))
            throw Invalid($"{field}.branch", "A branch or tag is written as git writes it, and does not begin with a dash.");
        if (repository.Commit is { } commit && !CommitPattern().IsMatch(commit))
            throw Invalid($"{field}.commit", "A commit is 7 to 64 hexadecimal digits.");
    }

    private static string Short(string text) => text.Length > 60 ? text[..60] + "…" : text;

    private static ProblemException Invalid(string field, string message) => new(ProblemCode.Invalid, message, field);

    [GeneratedRegex(@"\A[a-zA-Z0-9][a-zA-Z0-9._-]{0,62}\z")]
    private static partial Regex NamePattern();

    [GeneratedRegex(@"\A[a-zA-Z_][a-zA-Z0-9_]*\z")]
    private static partial Regex VariablePattern();

    // https://github.com/distribution/reference: host[:port]/path[:tag][@digest], only what is needed to keep flags and spaces out.
    [GeneratedRegex(@"\A[a-z0-9]+([._-]+[a-z0-9]+)*(:[0-9]+)?(/[a-z0-9]+([._-]+[a-z0-9]+)*)*(:[A-Za-z0-9_][A-Za-z0-9._-]{0,127})?(@sha256:[a-f0-9]{64})?\z")]
    private static partial Regex ImagePattern();

    [GeneratedRegex(@"\A(?:(?:https?|ssh|git)://[A-Za-z0-9]\S*|[A-Za-z0-9._-]+@[A-Za-z0-9][A-Za-z0-9.-]*:\S+)\z")]
    private static partial Regex RepositoryPattern();

    [GeneratedRegex(@"\A[A-Za-z0-9._/+@#][A-Za-z0-9._/+@#-]{0,249}\z")]
    private static partial Regex ReferencePattern();

    [GeneratedRegex(@"\A[0-9a-fA-F]{7,64}\z")]
    private static partial Regex CommitPattern();
}
