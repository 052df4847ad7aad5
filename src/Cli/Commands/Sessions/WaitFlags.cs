using System.CommandLine;
using Berth.Cli.Settings;

namespace Berth.Cli.Commands.Sessions;

/// <summary>Flags of commands that wait until a session is where it was wanted.</summary>
internal sealed class WaitFlags
{
    private readonly Flag<bool> _detach = Flags.Switch("--detach", "Return at once, without waiting", "-d");
    private readonly Flag<TimeSpan?> _timeout = Flags.Span("--timeout", "Wait no longer than this; the session goes on");

    public void AddTo(Command command)
    {
        command.Add(_detach);
        command.Add(_timeout);
    }

    public bool Detach(Call call) => call.Get(_detach);

    public TimeSpan? Timeout(Call call) => call.Get(_timeout);
}
