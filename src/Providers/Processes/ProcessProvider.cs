using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Berth.Core.Agents;
using Berth.Core.Providers;
using Berth.Core.Sessions;
using Berth.Providers.SessionFolders;

namespace Berth.Providers.Processes;

/// <summary>
/// Sessions as processes of this machine, for where there is no container engine. They run as the user that runs this
/// program, with the machine's own software, in bubblewrap: other processes, secrets and what is not theirs is out of
/// sight, but the network is the machine's, and where the user's systemd does not limit them as a whole, memory is limited for each
/// process alone. Not a wall between people.
/// </summary>
public sealed class ProcessProvider(ProcessOptions options, TimeProvider time) : ISessionProvider, IChangeSource, IWorkspaceSizes, IWorkspaceList, IDisposable
{
    private const int StatusDescriptor = 3;
    private static readonly int[] s_aliveDescriptors = [4, 5];
    private static readonly TimeSpan s_look = TimeSpan.FromMilliseconds(20), s_startsWithin = TimeSpan.FromSeconds(20);

    // Who waits for bubblewrap, and tells how it ended: bubblewrap itself does not where its child is killed before it has begun
    // the first program. It has a lock for as long as it lives; who has that alone writes what the run tells.
    private const string Launch = """
        folder=$1
        shift
        exec >>"$folder/output" 2>&1 </dev/null 9<>"$folder/running"
        flock --wait 5 9 && echo $$ >"$folder/launcher" || exit
        "$@" 9>&-
        echo "{ \"exit-code\": $? }" >>"$folder/status"
        """;

    // Of what is inherited, bubblewrap's parent process keeps the status alone, and its child does not: that lock is held for
    // as long as the parent lives. To read and to write, for NFS wants each for one kind of lock.
    private const string Tell = """
        : >"$0/status" && exec 3<>"$0/status" 4<>"$0/status" 5<>"$0/running" && flock --shared 3 && exec "$@" >"$0/output" 2>&1
        """;

    private readonly MachineCheck _machine = new(options.Bubblewrap, new RootView(options.Engines));
    private readonly Bubblewrap _bubblewrap = new(options);
    private readonly Scopes _scopes = new(options.SystemdRun, options.ControlGroups, time);
    private readonly SessionFolder _folder = new(options.SessionsFolder);
    private readonly Ending _ending = new(new SessionFolder(options.SessionsFolder), time);
    private readonly Workspaces _workspaces = new(Path.Combine(options.DataFolder, "work"), time);
    private readonly string _runs = Path.Combine(options.DataFolder, "runs");
    private readonly SemaphoreSlim _turn = new(1);

    /// <summary>Whether sessions can be processes here, and why not.</summary>
    /// <returns>What runs them and limits them as a whole, such as "bubblewrap 0.8.0, memory limited".</returns>
    /// <exception cref="ProviderException">They cannot.</exception>
    public async Task<string> CheckAsync(CancellationToken ct)
    {
        var version = await _machine.RunAsync(ct);
        return (await _scopes.FindAsync()).Words is { Length: > 0 } limited ? $"{version}, {limited} limited" : version;
    }

    /// <inheritdoc/>
    public Task<ImageFinding> FindImageAsync(ImageQuery query, CancellationToken ct) =>
        // Whatever the image, the machine's own programs run.
        Task.FromResult(new ImageFinding(Accessible: true, Local: true, []));

    /// <inheritdoc/>
    // 1. one at a time: two of the same order would find nothing there, and both begin
    // 2. other starts of the session, and an earlier try of this one
    // 3. refuse what cannot run here
    // 4. its files and workspace; start, and wait until there is a process
    public async Task StartAsync(StartOrder order, IProgress<StageReport> progress, CancellationToken ct)
    {
        // 1.
        await _turn.WaitAsync(ct);
        try
        {
            // 2.
            await SettleOthersAsync(order.Key, ct);
            var run = RunOf(order.Key);
            if (!await _ending.BeginsAsync(run, ct))
                await _ending.EndAsync(run, ct);
            else if (run.Read().Process is not null)
                return;

            // 3.
            Check(order);

            // 4.
            progress.Report(new StageReport(Stage.Preparing));
            Directory.CreateDirectory(run.Folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            _folder.Write(Complete(order), order.AgentToken);
            var workspace = _workspaces.Ensure(order);
            await LaunchAsync(order, run, workspace, ct);
        }
        catch (IOException e) when (e.HResult is 28 or 122) // ENOSPC, EDQUOT
        {
            throw new ProviderException(Reason.DiskFull, e.Message, e);
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<Observation> ObserveAsync([EnumeratorCancellation] CancellationToken ct)
    {
        await Task.CompletedTask;
        foreach (var run in Runs())
            yield return run.Observe() with { Node = Environment.MachineName };
    }

    /// <inheritdoc/>
    public async Task StopAsync(SessionKey key, StopMode mode, CancellationToken ct)
    {
        // A start that is on its way is there, or given up, before it is ended.
        await _turn.WaitAsync(ct);
        _turn.Release();
        await _ending.EndAsync(RunOf(key), ct);
        _folder.Remove(key);
        if (!mode.Deletes)
            return;
        _workspaces.Delete(mode.Workspace ?? key.SessionId);
        _folder.Forget(key.SessionId);
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<SessionKey> WatchAsync([EnumeratorCancellation] CancellationToken ct)
    {
        Directory.CreateDirectory(_runs);
        var changed = Channel.CreateUnbounded<SessionKey>();
        // What is written last is the exit code.
        using var watcher = new FileSystemWatcher(_runs, Run.StatusFile) { IncludeSubdirectories = true, NotifyFilter = NotifyFilters.LastWrite | NotifyFilters.Size | NotifyFilters.FileName };
        watcher.Changed += (_, e) =>
        {
            if (Run.Of(Path.GetDirectoryName(e.FullPath)!) is { } run)
                changed.Writer.TryWrite(run.Key);
        };
        watcher.Error += (_, e) => changed.Writer.TryComplete(new ProviderException(Reason.EngineUnreachable, e.GetException().Message));
        watcher.EnableRaisingEvents = true;
        await foreach (var key in changed.Reader.ReadAllAsync(ct))
            yield return key;
    }

    /// <inheritdoc/>
    public Task<IReadOnlyDictionary<string, long>> MeasureAsync(CancellationToken ct) => Task.Run(_workspaces.Measure, ct);

    /// <inheritdoc/>
    public Task<IReadOnlyList<KeptWorkspace>> ListWorkspacesAsync(CancellationToken ct) => Task.FromResult(_workspaces.List());

    /// <inheritdoc/>
    public void Dispose() => _turn.Dispose();

    private IEnumerable<Run> Runs() => Directory.Exists(_runs) ? Directory.EnumerateDirectories(_runs).Select(Run.Of).OfType<Run>() : [];

    private Run RunOf(SessionKey key) => new(Path.Combine(_runs, key.ForeignName), key);

    private async Task SettleOthersAsync(SessionKey key, CancellationToken ct)
    {
        foreach (var other in Runs().Where(run => run.Key.SessionId == key.SessionId && run.Key != key).ToList())
        {
            if (other.Key.Generation > key.Generation)
                throw new ProviderException(Reason.Refused, $"start {key.Generation} of the session is over: start {other.Key.Generation} is there.");
            await _ending.EndAsync(other, ct);
        }
    }

    private void Check(StartOrder order)
    {
        var (spec, resources) = (order.Spec, order.Spec.Resources);
        if (spec.Command is not { Count: > 0 })
            throw new ProviderException(Reason.CommandNotFound, $"this machine runs its own programs, not what is in {spec.Image}. Say which in its environment, one word each: `berth environment edit NAME --command jupyter --command lab --command --no-browser`.");
        if (spec.HostFolder is not null)
            throw new ProviderException(Reason.Refused, "sessions that are processes have a folder of their own.");
        if (Bubblewrap.CannotMountAt(spec.MountDirectory) is { } cannot)
            throw new ProviderException(Reason.Refused, cannot);
        if (resources.Cpu > Environment.ProcessorCount)
            throw new ProviderException(Reason.NoCapacity, $"{resources.Cpu:0.##} cores, and this machine has {Environment.ProcessorCount}.");
        if (!File.Exists(Path.Combine(options.AgentFolder, Path.GetFileName(AgentFiles.Program))))
            throw new ProviderException(Reason.Refused, $"Berth's own agent is missing in {options.AgentFolder}; install Berth again.");
        // One that has only just been started does not listen yet.
        if (Runs().Any(run => run.Key.SessionId != order.Key.SessionId && run.IsHeld() && _folder.Read(run.Key.SessionId)?.Port == spec.Port))
            throw new ProviderException(Reason.Refused, $"another session of this machine has port {spec.Port}, and they share its network: choose another with --port.");
        if (IsTaken(spec.Port))
            throw new ProviderException(Reason.Refused, $"something else listens on port {spec.Port} of this machine, whose network the session would share: choose another with --port.");
    }

    private static AgentOrder Complete(StartOrder order) => order.Agent with
    {
        Command = [.. order.Spec.Command!, .. order.Spec.Args ?? []],
        WorkingDirectory = order.Spec.WorkingDirectory ?? order.Spec.MountDirectory,
        SharesNetwork = true,
    };

    private static bool IsTaken(int port)
    {
        try
        {
            using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { ExclusiveAddressUse = true };
            socket.Bind(new IPEndPoint(IPAddress.Loopback, port));
            return false;
        }
        catch (SocketException e)
        {
            return e.SocketErrorCode == SocketError.AddressAlreadyInUse;
        }
    }

    /// <summary>Starts it, apart from this program, and waits until bubblewrap says that there is a process.</summary>
    private async Task LaunchAsync(StartOrder order, Run run, string workspace, CancellationToken ct)
    {
        var kept = await _scopes.FindAsync();
        var limited = ProcessLimits.Command(order.Spec.Resources, options.MostProcesses, memory: !kept.Memory);
        var start = new ProcessStartInfo("setsid",
        [
            "/bin/sh", "-c", Launch, "berth", run.Folder, .. kept.Command(order.Spec.Resources, options.MostProcesses), "/bin/sh", "-c", Tell, run.Folder,
            .. _bubblewrap.Command(order, workspace, _folder.PathOf(order.Key.SessionId), StatusDescriptor, s_aliveDescriptors, limited),
        ]);
        using var process = Process.Start(start)!;
        using var late = new CancellationTokenSource(s_startsWithin, time);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(ct, late.Token);
        try
        {
            while (run.Read().Process is null && !process.HasExited)
                await Task.Delay(s_look, time, limit.Token); // nothing tells of a line in a file that a process of ours would not miss
        }
        catch (OperationCanceledException)
        {
            Ending.KillGroup(process.Id); // all at once: of a tree that is taken apart from its root, what is left may go on
            process.Kill(entireProcessTree: true);
            ct.ThrowIfCancellationRequested();
            throw new ProviderException(Reason.Refused, $"bubblewrap did not start the session within {s_startsWithin.TotalSeconds:0} s.");
        }

        if (run.Read().Process is null)
        {
            var words = run.LastWords() ?? $"exit code {process.ExitCode}";
            run.Delete();
            throw new ProviderException(Reason.Refused, $"bubblewrap could not start it: {words}");
        }
    }
}
