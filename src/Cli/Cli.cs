using System.CommandLine;
using System.CommandLine.Parsing;
using System.Runtime.InteropServices;
using Berth.Cli.Commands;
using Berth.Cli.Help;
using Berth.Cli.Servers;
using Berth.Cli.Settings;
using Berth.Contracts.Client;
using Berth.Contracts.Problems;
using Berth.Tunnel.Resumable;

namespace Berth.Cli;

/// <summary>From arguments to exit code; the one place where a refusal becomes a sentence.</summary>
internal static class Cli
{
    /// <summary>Response files are off: an argument that begins with @ is itself.</summary>
    private static readonly ParserConfiguration Parsing = new() { ResponseFileTokenReplacer = null };

    public static int Run(string[] args)
    {
        using var stop = new CancellationTokenSource();
        // The first Ctrl-C lets the command say how to go on; the second ends it at once.
        void Interrupt(PosixSignalContext signal)
        {
            if (stop.IsCancellationRequested)
                return;
            signal.Cancel = true;
            stop.Cancel();
        }
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Interrupt);
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Interrupt);
        return RunAsync(args, Surroundings.OfThisProcess(), stop.Token).GetAwaiter().GetResult();
    }

    public static async Task<int> RunAsync(IReadOnlyList<string> args, Surroundings here, CancellationToken ct)
    {
        var dashes = args.ToList().IndexOf("--");
        if (dashes >= 0)
        {
            here = here with { BehindDashes = [.. args.Skip(dashes + 1)] };
            args = [.. args.Take(dashes)];
        }
        try
        {
            var root = BerthCommand.Create(here);
            var settings = new SettingsLayers(here);
            var parse = root.Parse(args, Parsing);
            if (!AnswersItself(parse, args))
                parse = root.Parse(settings.Complete(root, parse, args), Parsing);
            if (parse.Errors.Count > 0 && !AnswersItself(parse, args))
                return Refuse(parse, settings, here);
            return await parse.InvokeAsync(
                new InvocationConfiguration
                {
                    Output = here.Out,
                    Error = here.Error,
                    EnableDefaultExceptionHandler = false,
                    ProcessTerminationTimeout = null,
                },
                ct);
        }
        catch (Exception e)
        {
            return Explain(e, here);
        }
    }

    /// <summary>Help, version and completion: what the settings say, or what is wrong with the rest, is nothing to them.</summary>
    private static bool AnswersItself(ParseResult parse, IReadOnlyList<string> args) =>
        parse.Action is HelpPage or VersionAction || (args.Count > 0 && args[0].StartsWith("[suggest", StringComparison.Ordinal));

    private static int Explain(Exception error, Surroundings here)
    {
        switch (error)
        {
            case CliException e:
                here.Error.WriteLine(e.Message);
                return e.ExitCode;
            case ApiException e:
                here.Error.WriteLine(Sentence(e.Problem));
                return ExitCodes.Of(e.Problem.Kind);
            case ServerUnreachableException e:
                here.Error.WriteLine($"The server cannot be reached: {e.Message}");
                here.Error.WriteLine(NotReached.NextStep(e) ?? "See which server is meant with `berth context list`; the local one with `berth server status`.");
                return ExitCodes.Error;
            case StreamRefusedException:
                here.Error.WriteLine(error.Message);
                return ExitCodes.Conflict;
            case OperationCanceledException:
                return ExitCodes.Interrupted;
            case IOException or UnauthorizedAccessException:
                here.Error.WriteLine(error.Message);
                return ExitCodes.Error;
            default:
                here.Error.WriteLine($"This is a fault of the berth command, not yours: {error}");
                return ExitCodes.Error;
        }
    }

    private static string Sentence(ProblemDetail problem)
    {
        var text = problem.Field is null || problem.Message.Contains(problem.Field) ? problem.Message : $"{problem.Field}: {problem.Message}";
        if (!string.IsNullOrEmpty(problem.Detail))
            text += Environment.NewLine + problem.Detail;
        if (problem is { Kind: ProblemCode.Internal, TraceId: { } trace })
            text += $"{Environment.NewLine}The server's log has more, under {trace}.";
        return problem.Kind == ProblemCode.SignInNeeded ? text + Environment.NewLine + "Sign in with `berth login URL`." : text;
    }

    private static int Refuse(ParseResult parse, SettingsLayers settings, Surroundings here)
    {
        var command = parse.CommandResult.Command;
        // What follows from an unknown word is noise: it is told alone.
        if (parse.UnmatchedTokens is [var unknown, ..])
        {
            command = BeforeWhich(parse, unknown);
            here.Error.WriteLine(Suggestions.Unknown(command, unknown));
        }
        else
        {
            foreach (var error in parse.Errors)
                here.Error.WriteLine(Words(error, settings));
        }
        here.Error.WriteLine($"See `{HelpPage.PathOf(command)} --help`.");
        return ExitCodes.Usage;
    }

    /// <summary>The command that a word was typed behind: in <c>berth sessoin list</c> that is no word of <c>list</c>.</summary>
    private static Command BeforeWhich(ParseResult parse, string word)
    {
        var at = Place(word);
        var command = parse.CommandResult;
        while (!word.StartsWith('-') && command.Parent is CommandResult parent && at < Place(command.IdentifierToken.Value))
            command = parent;
        return command.Command;

        int Place(string typed) => parse.Tokens.Select(token => token.Value).ToList().IndexOf(typed);
    }

    private static string Words(ParseError error, SettingsLayers settings)
    {
        if (error.SymbolResult is CommandResult { Command: Group group })
            return $"What of {group.Name}? It can be: {string.Join(", ", group.Subcommands.Select(verb => verb.Name))}.";
        var origin = error.SymbolResult switch
        {
            OptionResult option => settings.OriginOf(option.Option),
            ArgumentResult { Parent: OptionResult option } => settings.OriginOf(option.Option),
            _ => null,
        };
        return origin is null ? error.Message : $"{error.Message} (It is set in {origin}.)";
    }
}
