using Berth.Cli.Tests.House;
using Berth.Contracts.Sessions;
using Berth.Tunnel.Resumable;

namespace Berth.Cli.Tests.Reach;

/// <summary>Programs of a session may speak for its agent: what they say is printed at a terminal.</summary>
public sealed class WordsOfSessionsTests : CommandTest
{
    private const string Hostile = "No.\e]52;c;cm0gLXJmIH4=\a\e[2J\u009b31m\r\nPassword:";
    private const string Harmless = "No.]52;c;cm0gLXJmIH4=[2J31mPassword:";

    [Theory]
    [InlineData("exec", "nb", "--", "true")]
    [InlineData("ssh", "--stdio", "nb.berth")]
    [InlineData("attach", "nb")]
    [InlineData("cp", "nb:results", ".")]
    public async Task A_refusal_has_no_control_characters(params string[] args) =>
        await SaysAsync(PlayedServices.Of(_ => throw new StreamRefusedException(Hostile)), args);

    [Theory]
    [InlineData("exec", "nb", "--", "true")]
    [InlineData("ssh", "--stdio", "nb.berth")]
    [InlineData("attach", "nb")]
    [InlineData("cp", "nb:results", ".")]
    public async Task A_reset_has_no_control_characters(params string[] args) =>
        await SaysAsync(PlayedServices.Of(_ => (stream, _) =>
        {
            stream.Abort(Hostile);
            return Task.CompletedTask;
        }), args);

    private async Task SaysAsync(ResumableHost services, string[] args)
    {
        var (_, agent) = await Server.RunningAsync(new StartRequest(Image: "busybox", Name: "nb"), services);
        await using (agent)
        {
            var ran = await Berth.RunAsync(args).WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
            Assert.NotEqual(ExitCodes.Ok, ran.Code);
            Assert.DoesNotContain("a fault of the berth command", ran.Error, StringComparison.Ordinal);
            Assert.Contains(Harmless, ran.Error, StringComparison.Ordinal);
            Assert.DoesNotContain(ran.Error.Replace("\r\n", "\n", StringComparison.Ordinal), c => char.IsControl(c) && c != '\n');
        }
    }
}
