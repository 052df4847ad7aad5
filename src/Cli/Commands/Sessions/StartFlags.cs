using System.CommandLine;
using Berth.Cli.Servers;
using Berth.Cli.Settings;
using Berth.Contracts.Sessions;

namespace Berth.Cli.Commands.Sessions;

/// <summary>What can be said of a start, and how it becomes the request.</summary>
internal sealed class StartFlags
{
    private const string Source = "source";

    private readonly Flag<string?> _launcher = new("--launcher", "Start this launcher; a live session of it is joined", "-l") { HelpName = "NAME", Group = Source };
    private readonly Flag<string?> _environment = new("--environment", "Start this environment", "-e") { HelpName = "NAME", Group = Source };
    private readonly Flag<string?> _image = new("--image", "Start any image", "-i") { HelpName = "IMAGE", Group = Source };
    private readonly Flag<string?> _name = Flags.Text("--name", "Name of the session; made from what it starts when left out", "NAME");
    private readonly Flag<string?> _project = Flags.Text("--project", "Project that it belongs to, for starts without a launcher", "NAME");
    private readonly Flag<string?> _pool = Flags.Text("--pool", "Pool that it runs in", "NAME");
    private readonly Flag<string?> _class = Flags.Text("--class", "Resource class; see `berth class list`", "NAME");
    private readonly Flag<double?> _cpu = Flags.Number("--cpu", "Cores, up to the class's", "CORES");
    private readonly Flag<double?> _memory = Flags.Size("--memory", "Memory, up to the class's: 512M, 4G");
    private readonly Flag<double?> _disk = Flags.Size("--disk", "Disk, up to the class's maximum: 10G");
    private readonly Flag<string?> _gpu = Flags.Text("--gpu", "How many gpus, device ids (0,1), or all", "GPUS");
    private readonly Flag<string[]> _env = VariableFlag.Create();
    private readonly Flag<string[]> _repo = Flags.Texts("--repo", "Clone this repository into it; repeatable", "URL");
    private readonly Flag<string?> _branch = Flags.Text("--branch", "Branch or tag of the repository", "NAME");
    private readonly Flag<bool> _here = new("--here", "Work in this folder: it becomes the workspace (local server only)") { Personal = true };
    private readonly Flag<string?> _continue = new("--continue", "Go on with the work of a session that has ended: its name or id") { HelpName = "SESSION", Personal = true };
    private readonly Flag<string?> _insteadOf = new("--instead-of", "Elsewhere what a session was whose machine is lost, without its work: its name or id") { HelpName = "SESSION", Personal = true };
    private readonly Flag<string?> _queue = Flags.Text("--queue", "Queue to wait in, in pools of machines that joined; see `berth queue list`", "QUEUE");
    private readonly Flag<int?> _priority = Flags.Whole("--priority", "In such pools: below 0 lets others go first; above 0 is for admins", "NUMBER", -10, 10);
    private readonly Flag<string?> _url = Flags.Text("--default-url", "Path that opens first, such as /lab", "PATH");
    private readonly Flag<int?> _port = Flags.Whole("--port", "Port that its front end listens on", "PORT", 1, 65399);

    public void AddTo(Command command)
    {
        Option[] flags = [_launcher, _environment, _image, _name, _project, _pool, _class, _cpu, _memory, _disk, _gpu, _env, _repo, _branch, _here, _continue, _insteadOf, _queue, _priority, _url, _port];
        foreach (var flag in flags)
            command.Add(flag);
        command.Validators.Add(result =>
        {
            var sources = new Option[] { _launcher, _environment, _image }.Where(flag => result.GetResult(flag) is { Implicit: false }).ToList();
            if (sources.Count > 1)
                result.AddError($"{string.Join(" and ", sources.Select(flag => flag.Name))} exclude each other: say one of them.");
            if (result.GetResult(_branch) is { Implicit: false } && result.GetResult(_repo) is null)
                result.AddError("--branch is of a repository: say which with --repo.");
        });
    }

    /// <summary>Something was said of what to start.</summary>
    public bool HasSource(Call call) => call.Has(_launcher) || call.Has(_environment) || call.Has(_image) || call.Has(_continue) || call.Has(_insteadOf);

    /// <summary>Something was said that no session which runs already can have.</summary>
    public bool MeansAnother(Call call) => call.Has(_here) || call.Has(_name) || call.Has(_repo);

    public async Task<StartRequest> RequestAsync(Call call, Server server, WizardAnswers? answers, CancellationToken ct)
    {
        var launcher = call.Get(_launcher) is { } wantedLauncher ? (await StartChoices.LauncherAsync(server, wantedLauncher, ct)).Id : answers?.LauncherId;
        var image = call.Get(_image) ?? answers?.Image;
        var environment = call.Get(_environment) is { } wanted ? (await StartChoices.EnvironmentAsync(server, wanted, ct)).Id
            : answers is not null ? answers.EnvironmentId
            : launcher is null && image is null && (call.Get(_continue) ?? call.Get(_insteadOf)) is null ? (await StartChoices.StandardEnvironmentAsync(server, ct)).Id
            : null;
        var pool = call.Get(_pool) is { } wantedPool ? await StartChoices.PoolAsync(server, wantedPool, ct) : null;
        var repositories = (call.Get(_repo) ?? []).Select(url => new RepositoryRequest(Repository(call, server, url), call.Get(_branch))).ToList();
        if (answers?.Repository is { } cloned && repositories.Count == 0)
            repositories.Add(new RepositoryRequest(Repository(call, server, cloned)));
        return new StartRequest(
            LauncherId: launcher, EnvironmentId: environment, Image: image,
            Name: call.Get(_name),
            ProjectId: call.Get(_project) is { } project ? await StartChoices.ProjectAsync(server, project, ct) : null,
            ResourceClassId: call.Get(_class) is { } wantedClass ? (await StartChoices.ClassAsync(server, wantedClass, pool, ct)).Id : answers?.ClassId,
            PoolName: call.Get(_class) is null ? pool : null,
            Cpu: call.Get(_cpu), MemoryGb: call.Get(_memory), DiskGb: call.Get(_disk) is { } disk ? (int)Math.Ceiling(disk) : null,
            Gpu: call.Get(_gpu), Env: VariableFlag.Read(call, _env), Repositories: repositories.Count > 0 ? repositories : null,
            HostFolder: call.Get(_here) ? HostFolder(call, server) : null,
            DefaultUrl: call.Get(_url), Port: call.Get(_port),
            Args: call.Here.BehindDashes is { Count: > 0 } args ? args : null,
            Continue: call.Get(_continue), InsteadOf: call.Get(_insteadOf),
            Queue: call.Get(_queue), Priority: call.Get(_priority));
    }

    private static string HostFolder(Call call, Server server) => server.IsLocal
        ? call.Here.WorkingFolder
        : throw CliException.Usage($"--here mounts a folder of this machine, and the server '{server.Context}' is on another. "
            + "Clone a repository instead (--repo URL), or start it on the local server (--context local).");

    /// <summary>A folder of this machine is a repository too, for the server of this machine.</summary>
    private static string Repository(Call call, Server server, string url)
    {
        var isPath = url.StartsWith('/') || url.StartsWith("./", StringComparison.Ordinal) || url.StartsWith("../", StringComparison.Ordinal) || url is "." or "..";
        if (!isPath)
            return url;
        return server.IsLocal
            ? Path.GetFullPath(url, call.Here.WorkingFolder)
            : throw CliException.Usage($"--repo {url} is a folder of this machine, and the server '{server.Context}' is on another. Push it somewhere, and name its URL.");
    }
}
