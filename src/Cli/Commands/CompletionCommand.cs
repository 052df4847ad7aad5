using System.CommandLine;

namespace Berth.Cli.Commands;

/// <summary>Prints what a shell needs to complete commands and flags; the shell then asks the command itself each time.</summary>
internal sealed class CompletionCommand : Verb
{
    private readonly Argument<string> _shell = new("shell") { Description = "bash, zsh or fish" };

    public CompletionCommand(Surroundings here)
        : base(here, "completion", "Print the completion script of a shell")
    {
        _shell.CompletionSources.Add("bash", "zsh", "fish");
        Add(_shell);
    }

    public override IReadOnlyList<Example> Examples =>
    [
        new("completion bash > ~/.local/share/bash-completion/completions/berth", "For bash"),
        new("completion fish > ~/.config/fish/completions/berth.fish", "For fish"),
        new("completion zsh > ~/.zsh/_berth", "For zsh; the folder must be in its fpath"),
    ];

    protected override Task<int> RunAsync(Call call, CancellationToken ct)
    {
        call.Here.Out.Write(call.Get(_shell) switch
        {
            "bash" => """
                _berth() {
                  local IFS=$'\n'
                  COMPREPLY=($(compgen -W "$(berth "[suggest:$COMP_POINT]" "$COMP_LINE" 2>/dev/null)" -- "${COMP_WORDS[COMP_CWORD]}"))
                }
                complete -o default -F _berth berth

                """,
            "zsh" => """
                #compdef berth
                local -a found
                found=("${(@f)$(berth "[suggest:$CURSOR]" "$BUFFER" 2>/dev/null)}")
                compadd -a found

                """,
            "fish" => """
                complete -f -c berth -a '(berth "[suggest:"(commandline -C)"]" (commandline -cp) 2>/dev/null)'

                """,
            var other => throw CliException.Usage($"There is no completion for '{other}'; there is for bash, zsh and fish."),
        });
        return Task.FromResult(ExitCodes.Ok);
    }
}
