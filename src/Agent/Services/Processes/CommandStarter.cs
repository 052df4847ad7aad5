using Berth.Agent.Unix;
using Berth.Contracts.Services;
using Berth.Tunnel.Resumable;

namespace Berth.Agent.Services.Processes;

/// <summary>Starts commands for clients, in the front end's surroundings, and so many of them at most.</summary>
/// <param name="children">Starts and reaps them.</param>
/// <param name="environment">The front end's variables.</param>
/// <param name="workingDirectory">The front end's.</param>
/// <param name="time">The clock.</param>
internal sealed class CommandStarter(Children children, IReadOnlyDictionary<string, string> environment, Func<string> workingDirectory, TimeProvider time)
{
    private const int Most = 64;
    private const int Hangup = 1, Kill = 9, Terminate = 15;
    private static readonly TimeSpan s_grace = TimeSpan.FromSeconds(5);
    private int _running;
    private int _withoutTerminal;

    /// <summary>Whether a command runs that no terminal tells of.</summary>
    public bool RunsWithoutTerminal => Volatile.Read(ref _withoutTerminal) > 0;

    /// <summary>Variables of the session.</summary>
    public IReadOnlyDictionary<string, string> Environment => environment;

    /// <summary>Where the front end started.</summary>
    public string WorkingDirectory => workingDirectory();

    /// <summary>Starts one.</summary>
    /// <param name="request">Which, and with what.</param>
    /// <param name="files">What it reads and writes.</param>
    /// <exception cref="CommandException">It cannot be run.</exception>
    /// <exception cref="StreamRefusedException">Too many run.</exception>
    public Child Start(ExecRequest request, ChildFiles files)
    {
        if (request.Command is not [var command, ..])
            throw new StreamRefusedException("Which command is to be run was not said.");
        var folder = Path.GetFullPath(Path.Combine(WorkingDirectory, request.WorkingDirectory ?? "."));
        if (!Directory.Exists(folder))
            throw new CommandException($"the folder {folder} does not exist in the session", 126);
        var variables = Variables(request, folder);
        var file = CommandPath.Find(command, variables["PATH"], folder);
        var place = new Place(this, files.Terminal is null);
        if (Volatile.Read(ref _running) > Most)
        {
            place.Leave();
            throw new StreamRefusedException($"{Most} commands of the session's clients run already, which is the most: end some.");
        }
        try
        {
            var child = children.Spawn(new ChildStart(file, request.Command, variables, folder), files);
            _ = child.Exited.ContinueWith(_ => place.Leave(), TaskScheduler.Default);
            return child;
        }
        catch (SpawnException e)
        {
            place.Leave();
            throw CommandPath.Refusal(file, e);
        }
    }

    /// <summary>Ends one that nobody waits for any more: it is asked to, and has a moment for it.</summary>
    public async Task EndAsync(Child child, bool atTerminal)
    {
        if (child.Exited.IsCompleted)
            return;
        child.Signal(atTerminal ? Hangup : Terminate);
        await Task.WhenAny(child.Exited, Task.Delay(s_grace, time));
        if (!child.Exited.IsCompleted)
            child.Signal(Kill);
    }

    private Dictionary<string, string> Variables(ExecRequest request, string folder)
    {
        var variables = new Dictionary<string, string>(environment) { ["PWD"] = folder };
        if (request.Terminal is not null)
            variables["TERM"] = request.Term is { Length: > 0 } term ? term : "xterm-256color";
        foreach (var (name, value) in request.Environment)
        {
            if (name.Length == 0 || name.Contains('=') || name.Contains('\0') || value.Contains('\0'))
                throw new StreamRefusedException($"'{name}' cannot be a variable's name, or its value holds a zero byte.");
            variables[name] = value;
        }
        return variables;
    }

    /// <summary>One of those that may run.</summary>
    private readonly struct Place
    {
        private readonly CommandStarter _starter;
        private readonly int _withoutTerminal;

        public Place(CommandStarter starter, bool withoutTerminal)
        {
            (_starter, _withoutTerminal) = (starter, withoutTerminal ? 1 : 0);
            Interlocked.Increment(ref starter._running);
            Interlocked.Add(ref starter._withoutTerminal, _withoutTerminal);
        }

        public void Leave()
        {
            Interlocked.Decrement(ref _starter._running);
            Interlocked.Add(ref _starter._withoutTerminal, -_withoutTerminal);
        }
    }
}
