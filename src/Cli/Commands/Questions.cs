namespace Berth.Cli.Commands;

/// <summary>What is asked on a terminal. Nothing is asked elsewhere, nor with <c>-y</c>.</summary>
internal sealed class Questions(Surroundings here, bool yes, CancellationToken ct)
{
    public bool MayAsk => !yes && here.InIsTerminal && here.ErrorIsTerminal;

    /// <summary>Without a terminal the answer is <paramref name="otherwise"/>; with <c>-y</c> it is yes.</summary>
    public bool Confirm(string question, bool otherwise)
    {
        if (!MayAsk)
            return yes || otherwise;
        here.Error.Write($"{question} {(otherwise ? "[Y/n]" : "[y/N]")} ");
        return Line().Trim().ToLowerInvariant() switch
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

    /// <summary>A line that is not shown while it is typed.</summary>
    public string AskSecret(string question)
    {
        here.Error.Write(question + ": ");
        var secret = Await(here.ReadSecret);
        here.Error.WriteLine();
        return secret;
    }

    /// <summary>A line of text; an empty one means the default.</summary>
    public string Ask(string question, string standard)
    {
        here.Error.Write(standard.Length == 0 ? $"{question}: " : $"{question} [{standard}]: ");
        var answer = Line().Trim();
        return answer.Length == 0 ? standard : answer;
    }

    private string Line() => Await(here.In.ReadLine) ?? throw new OperationCanceledException();

    /// <summary>Reading cannot be interrupted; waiting for it can.</summary>
    private T Await<T>(Func<T> read) => Task.Run(read, ct).WaitAsync(ct).GetAwaiter().GetResult();
}
