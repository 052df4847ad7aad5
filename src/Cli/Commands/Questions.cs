namespace Berth.Cli.Commands;

/// <summary>What is asked on a terminal. Nothing is asked elsewhere, nor with <c>-y</c>.</summary>
internal sealed class Questions(Surroundings here, bool yes)
{
    public bool MayAsk => !yes && here.InIsTerminal && here.ErrorIsTerminal;

    /// <summary>Without a terminal the answer is <paramref name="otherwise"/>; with <c>-y</c> it is yes.</summary>
    public bool Confirm(string question, bool otherwise)
    {
        if (!MayAsk)
            return yes || otherwise;
        here.Error.Write($"{question} {(otherwise ? "[Y/n]" : "[y/N]")} ");
        return (here.In.ReadLine() ?? throw new OperationCanceledException()).Trim().ToLowerInvariant() switch
        {
            "" => otherwise,
            "y" or "yes" => true,
            _ => false,
        };
    }

    /// <summary>For what cannot be undone: without a terminal it takes <c>-y</c>.</summary>
    public void ConfirmOrStop(string question, string refusal)
    {
        if (!MayAsk && !yes)
            throw CliException.Usage(refusal);
        if (!Confirm(question, otherwise: false))
            throw new CliException(ExitCodes.Error, "Nothing was done.");
    }

    /// <summary>A line of text; an empty one means the default.</summary>
    public string Ask(string question, string standard)
    {
        here.Error.Write(standard.Length == 0 ? $"{question}: " : $"{question} [{standard}]: ");
        var answer = (here.In.ReadLine() ?? throw new OperationCanceledException()).Trim();
        return answer.Length == 0 ? standard : answer;
    }
}
