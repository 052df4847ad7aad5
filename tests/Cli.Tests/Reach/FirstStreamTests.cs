using Berth.Cli.Tests.House;
using Berth.Contracts.Sessions;
using Berth.Fakes;

namespace Berth.Cli.Tests.Reach;

/// <summary>Sessions that run and whose agent is not there: its machine is away, or its line is.</summary>
public sealed class FirstStreamTests : CommandTest
{
    private const string NotConnected = "The agent of session 'away' is not connected at the moment.";

    private SessionView _session = null!;

    public override async ValueTask InitializeAsync()
    {
        await base.InitializeAsync();
        (_session, var agent) = await Server.RunningAsync(new StartRequest(Image: "busybox", Name: "away"));
        await agent.DisposeAsync();
    }

    [Fact]
    public async Task A_command_whose_session_is_not_reached_waits_for_seconds_and_says_why()
    {
        var runs = await Task.WhenAll(
            Berth.RunAsync("exec", "away", "--", "true"),
            Berth.RunAsync("attach", "away"),
            Berth.RunAsync("cp", "away:results", "."),
            Berth.RunAsync("shell", "away", "--list")).WaitAsync(TimeSpan.FromSeconds(60), Ct);
        Assert.All(runs, ran =>
        {
            Assert.Equal(ExitCodes.Error, ran.Code);
            Assert.StartsWith("Waiting for the session …\n", ran.Error, StringComparison.Ordinal);
            Assert.StartsWith(NotConnected, ran.Error.TrimEnd().Split('\n')[^1], StringComparison.Ordinal);
        });
    }

    [Fact]
    public async Task An_agent_that_comes_back_in_time_is_waited_for()
    {
        using var words = new StringWriter();
        var said = TextWriter.Synchronized(words);
        var run = Berth.RunAsync(here => here with { Error = said }, Ct, "exec", "away", "--", "true");
        await Eventually.TrueAsync(() => Said(words, said).Contains("Waiting for the session …", StringComparison.Ordinal), "it says that it waits");
        await using var agent = await Server.ConnectAgentAsync(_session, PlayedServices.Saying("", code: 3));
        Assert.Equal(3, (await run.WaitAsync(TimeSpan.FromSeconds(30), Ct)).Code);
    }

    // Who synchronizes a writer locks itself.
    private static string Said(StringWriter words, TextWriter synchronized)
    {
        lock (synchronized)
            return words.ToString();
    }
}
