using System.CommandLine;

namespace Berth.Cli.Commands;

/// <summary>A command that does something. One sealed class a command; the same class may hang in two places (`berth start`).</summary>
internal abstract class Verb : Command
{
    private readonly Surroundings _here;

    protected Verb(Surroundings here, string name, string description)
        : base(name, description)
    {
        _here = here;
        SetAction(async (parse, ct) =>
        {
            if (_here.BehindDashes.Count > 0 && !TakesDashes)
                throw CliException.Usage($"`berth {name}` starts no program: nothing can stand behind `--`.");
            using var call = new Call(_here, parse, ct);
            return await RunAsync(call, ct);
        });
    }

    /// <summary>Shown in the help, without the leading <c>berth</c>: the command and what it does.</summary>
    public virtual IReadOnlyList<Example> Examples => [];

    /// <summary>What stands behind <c>--</c> means something to it.</summary>
    public virtual bool TakesDashes => false;

    protected abstract Task<int> RunAsync(Call call, CancellationToken ct);
}

/// <summary>One line of a command's examples.</summary>
internal sealed record Example(string Line, string Does);
