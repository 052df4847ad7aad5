using System.CommandLine;
using Berth.Cli.Commands;
using Berth.Cli.Help;
using Berth.Cli.Tests.House;

namespace Berth.Cli.Tests.Help;

public sealed class HelpTests : IDisposable
{
    private readonly Berth.Cli.Tests.House.Command _berth = new();

    public static TheoryData<string> Paths => [.. All(Root()).Select(HelpPage.PathOf)];

    [Theory]
    [MemberData(nameof(Paths))]
    public async Task Each_command_says_what_it_does_with_examples_in_80_columns(string path)
    {
        var ran = await _berth.RunAsync([.. path.Split(' ').Skip(1), "--help"]);
        Assert.Equal((0, ""), (ran.Code, ran.Error));
        Assert.All(ran.Out.Split('\n'), line => Assert.True(line.Length <= 80, $"{line.Length}: {line}"));
        var command = All(Root()).Single(candidate => HelpPage.PathOf(candidate) == path);
        Assert.NotEmpty(command.Description!);
        if (command is Verb verb)
            Assert.NotEmpty(verb.Examples);
    }

    [Fact]
    public void Each_example_is_a_command_line_that_is_understood()
    {
        foreach (var verb in All(Root()).OfType<Verb>())
        {
            foreach (var example in verb.Examples)
            {
                var line = example.Line.Split(" -- ")[0].Split(" > ")[0];
                var parse = Root().Parse(line);
                Assert.True(parse.Errors.Count == 0, $"{example.Line}: {string.Join(' ', parse.Errors.Select(error => error.Message))}");
                Assert.Equal(verb.GetType(), parse.CommandResult.Command.GetType());
            }
        }
    }

    [Theory]
    [InlineData("sesion", "There is no command `berth sesion`. Did you mean 'session'?")]
    [InlineData("sesion list", "There is no command `berth sesion`. Did you mean 'session'?")]
    [InlineData("session strat", "There is no command `berth session strat`. Did you mean 'start'?")]
    [InlineData("start --memroy 4G", "`berth start` has no flag '--memroy'. Did you mean '--memory'?")]
    [InlineData("session", "What of session? It can be: start, list,")]
    [InlineData("list --output xml", "--output is 'xml'; it can be table, wide, json, yaml or name.")]
    [InlineData("start --memory 4Q", "--memory is '4Q'; a size is expected, such as 512M, 4G or 1T.")]
    [InlineData("start --cpu -1", "--cpu is '-1'; a number above 0 is expected")]
    [InlineData("start --port 70000", "--port is '70000'; a whole number from 1 to 65399 is expected.")]
    [InlineData("start --launcher a --image b", "--launcher and --image exclude each other: say one of them.")]
    [InlineData("start --image a --branch b", "--branch is of a repository: say which with --repo.")]
    [InlineData("list -- x", "`berth list` starts no program: nothing can stand behind `--`.")]
    [InlineData("context list -c nothing", "There is no column 'nothing'. The columns are: name, in_use, user, url.")]
    public async Task Bad_usage_is_refused_with_what_was_meant(string line, string words)
    {
        var ran = await _berth.RunAsync(line.Split(' '));
        Assert.Equal((ExitCodes.Usage, ""), (ran.Code, ran.Out));
        Assert.StartsWith(words, ran.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Says_its_version() =>
        Assert.Equal(new Ran(0, $"berth {VersionAction.Version}\n", ""), await _berth.RunAsync("--version"));

    [Fact]
    public async Task Completes_commands_and_flags()
    {
        var ran = await _berth.RunAsync("[suggest:23]", "berth session start --im");
        Assert.Contains("--image", ran.Out, StringComparison.Ordinal);
        Assert.Contains("complete -o default", (await _berth.RunAsync("completion", "bash")).Out, StringComparison.Ordinal);
        Assert.Equal(ExitCodes.Usage, (await _berth.RunAsync("completion", "csh")).Code);
    }

    public void Dispose() => _berth.Dispose();

    private static RootCommand Root() => BerthCommand.Create(Berth.Cli.Tests.House.Command.Nowhere);

    private static IEnumerable<System.CommandLine.Command> All(System.CommandLine.Command command) =>
        command.Subcommands.SelectMany(All).Prepend(command);
}
