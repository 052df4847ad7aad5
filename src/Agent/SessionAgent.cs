using System.Runtime.InteropServices;
using Berth.Agent.Activity;
using Berth.Agent.Services;
using Berth.Agent.Services.Processes;
using Berth.Agent.Services.Ssh;
using Berth.Agent.Unix;
using Berth.Core;
using Berth.Core.Agents;
using Berth.Tunnel;

namespace Berth.Agent;

/// <summary>
/// One session from its first to its last moment: prepare the workspace → start the front end → wait for its answer → wait
/// for its end. The link to the server works beside all that; neither waits for the other, except that at the end the
/// server gets a moment to take the last words.
/// </summary>
internal sealed class SessionAgent : IDisposable
{
    private const int BadOrder = 78; // EX_CONFIG of sysexits.h
    private const int Hangup = 1, Interrupt = 2, Quit = 3, Kill = 9, User1 = 10, User2 = 12, Terminate = 15;
    private static readonly TimeSpan s_lastWords = TimeSpan.FromSeconds(3);

    private readonly AgentOrder _order;
    private readonly TimeProvider _time;
    private readonly Dictionary<string, string> _environment;
    private readonly Children _children = new();
    private readonly AgentState _state;
    private readonly LogBuffer _log;
    private readonly CommandStarter _commands;
    private readonly ListeningPorts _listening;
    private readonly PortWatch _ports;
    private readonly Loopback _loopback;
    private readonly Wakeup _wakeup = new();
    private readonly ServiceRegistry _services;
    private readonly ServerLink _link;
    private readonly CancellationTokenSource _stopped = new();
    private readonly List<PosixSignalRegistration> _signals = [];
    private volatile Child? _frontEnd;
    private int _stopSignal;

    private SessionAgent(SessionFolder folder, IReadOnlyDictionary<string, string> image, TimeProvider time)
    {
        _order = folder.Order;
        _time = time;
        _state = new AgentState(_wakeup.Set);
        _log = new LogBuffer(_wakeup.Set);
        _environment = SessionEnvironment.Make(image, _order);
        _commands = new CommandStarter(_children, new Dictionary<string, string>(_environment), () => FindWorkingDirectory().Found, time);
        _listening = new ListeningPorts(_order.SharesNetwork);
        _ports = new PortWatch(_listening, time);
        _loopback = new Loopback(_order.SharesNetwork ? _listening.IsOwn : null);
        var ssh = new SshService(_children, _commands, _order.SshHostKey, _log.Say, time);
        _services = new ServiceRegistry(_commands, _ports, _loopback, ssh, time);
        _link = new ServerLink(folder, _state, _log, _ports, _loopback, _wakeup, _services, time);
        foreach (var signal in (int[])[Terminate, Interrupt, Quit, Hangup, User1, User2])
            _signals.Add(PosixSignalRegistration.Create((PosixSignal)signal, context =>
            {
                context.Cancel = true;
                Forward(signal);
            }));
    }

    /// <summary>Runs the session that the session's folder orders.</summary>
    /// <returns>The front end's exit code.</returns>
    public static async Task<int> RunAsync(IReadOnlyDictionary<string, string> image, TimeProvider time)
    {
        SessionFolder folder;
        try
        {
            folder = SessionFolder.Read();
        }
        catch (InvalidDataException e)
        {
            await Console.Error.WriteLineAsync($"berth: {e.Message}");
            return BadOrder;
        }
        using var agent = new SessionAgent(folder, image, time);
        return await agent.RunAsync();
    }

    public void Dispose()
    {
        foreach (var signal in _signals)
            signal.Dispose();
        _stopped.Dispose();
    }

    private async Task<int> RunAsync()
    {
        using var over = new CancellationTokenSource();
        var link = Task.Run(() => _link.RunAsync(over.Token));
        using var kernels = new Kernels(_order.Port, _order.Environment.GetValueOrDefault("JUPYTER_TOKEN"), _loopback);
        var gpus = new Gpus(_children, new Dictionary<string, string>(_environment), _time);
        var watch = new ActivityWatch(kernels, gpus, () => _commands.RunsWithoutTerminal, () => _services.Copies, _state, _link.Tell, _time);
        var activity = Task.Run(() => watch.RunAsync(_order.ActivitySeconds, over.Token));
        var ports = Task.Run(() => _ports.RunAsync(_wakeup.Set, over.Token));
        var exitCode = await RunFrontEndAsync();
        if (_stopSignal is not 0 and var signal)
        {
            // Programs that are asked to stop end well, and that is not "it finished": who asked was not the user, or the
            // server would not heed this. The exit code says so to a server that is away meanwhile.
            exitCode = exitCode == 0 ? 128 + signal : exitCode;
            _state.Update(report => report with { Failure = report.Failure ?? "killed", Detail = report.Failure is null ? $"signal {signal}" : report.Detail });
        }
        _state.Update(report => report with { Ready = false, ExitCode = exitCode });
        await _link.FinishAsync(s_lastWords);
        await over.CancelAsync();
        await Task.WhenAll(link, activity, ports).WaitAsync(s_lastWords, _time).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return exitCode;
    }

    private async Task<int> RunFrontEndAsync()
    {
        try
        {
            await PrepareAsync(_stopped.Token);
            var output = new OutputPipe(_log.Add);
            var child = Start(output);
            _state.Update(report => report with { Stage = AgentState.Starting, Detail = null });
            using var ended = new CancellationTokenSource();
            var ready = WaitForAnswerAsync(ended.Token);
            var exitCode = await child.Exited;
            await ended.CancelAsync();
            await ready;
            // Whatever it left behind in its group goes with it; in a container all the rest goes with this process.
            child.Signal(Kill);
            await output.Drained.WaitAsync(TimeSpan.FromMilliseconds(500), _time).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            return exitCode;
        }
        catch (CommandException e)
        {
            _log.Say($"the command cannot be run: {e.Message}");
            _state.Update(report => report with { Stage = AgentState.Starting, Detail = e.Message, Failure = "command_not_found" });
            return e.ExitCode;
        }
        catch (OperationCanceledException)
        {
            return 128 + _stopSignal;
        }
    }

    private async Task PrepareAsync(CancellationToken stop)
    {
        var workspace = _order.MountDirectory;
        if (!Directory.Exists(workspace))
            _state.Notice($"There is no workspace: {workspace} does not exist. Nothing of this session will be kept.");
        else if (!SessionEnvironment.Writable(workspace))
            _state.Notice($"The workspace {workspace} cannot be written by user {Native.getuid()}: files cannot be saved there.");
        if (_order.Repositories.Count > 0 && Directory.Exists(workspace))
            await new Repositories(_children, _state, _log, workspace, _environment, _time).CloneAsync(_order.Repositories, stop);
        stop.ThrowIfCancellationRequested();
    }

    /// <exception cref="CommandException">It cannot be run.</exception>
    private Child Start(OutputPipe output)
    {
        try
        {
            if (_order.Command is not [var command, ..])
                throw new CommandException("the image has neither ENTRYPOINT nor CMD, and the environment gives no command", 127);
            var workingDirectory = WorkingDirectory();
            _environment["PWD"] = workingDirectory;
            var file = CommandPath.Find(command, _environment["PATH"], workingDirectory);
            try
            {
                _frontEnd = _children.Spawn(new ChildStart(file, _order.Command, _environment, workingDirectory), output.WriteEnd);
            }
            catch (SpawnException e)
            {
                throw CommandPath.Refusal(file, e);
            }
        }
        finally
        {
            output.CloseWriteEnd();
        }
        // A stop that came while it started.
        if (_stopSignal != 0)
            Forward(_stopSignal);
        return _frontEnd;
    }

    private string WorkingDirectory()
    {
        var (wanted, found) = FindWorkingDirectory();
        if (found != wanted)
            _state.Notice($"The working directory {wanted} does not exist: started in {found} instead.");
        return found;
    }

    private (string Wanted, string Found) FindWorkingDirectory()
    {
        var wanted = _order.WorkingDirectory ?? _order.MountDirectory;
        var found = ((string[])[wanted, _order.MountDirectory]).FirstOrDefault(Directory.Exists) ?? "/";
        return (wanted, found);
    }

    private async Task WaitForAnswerAsync(CancellationToken ended)
    {
        try
        {
            await new Readiness(_order.Port, _order.ReadyPath, _loopback, _listening, _state, _time).WaitAsync(ended);
            _state.Update(report => report with { Stage = AgentState.Ready, Detail = null, Ready = true });
        }
        catch (OperationCanceledException)
        {
            // It ended before it answered.
        }
    }

    private void Forward(int signal)
    {
        if (signal is Terminate or Interrupt or Quit)
            Interlocked.CompareExchange(ref _stopSignal, signal, 0);
        if (_frontEnd is not { } frontEnd)
        {
            if (_stopSignal != 0)
                _stopped.Cancel();
            return;
        }
        frontEnd.Signal(signal);
        if (signal is Terminate or Interrupt or Quit)
            _ = KillAfterGraceAsync(frontEnd);
    }

    private async Task KillAfterGraceAsync(Child frontEnd)
    {
        var grace = Task.Delay(TimeSpan.FromSeconds(_order.GraceSeconds), _time);
        await Task.WhenAny(frontEnd.Exited, grace);
        if (!frontEnd.Exited.IsCompleted)
            frontEnd.Signal(Kill);
    }
}
