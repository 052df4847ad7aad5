using Berth.Contracts.Sessions;
using Berth.EndToEnd.Tests.House;

namespace Berth.EndToEnd.Tests;

/// <summary>A kernel, spoken to over WebSocket through the proxy.</summary>
public sealed class KernelTests(RunningServer server) : IClassFixture<RunningServer>
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Keeps_its_variables_while_the_server_is_killed_and_started_again()
    {
        var environment = (await server.Api.ListEnvironmentsAsync(Ct))[0].Id;
        var session = await server.StartSessionAsync(new StartRequest(EnvironmentId: environment));
        using var visitor = await Visitor.SignInAsync(server);
        using var lab = await visitor.OpenAsync(session.Url);
        var kernel = await Kernel.StartAsync(visitor, lab.RequestMessage!.RequestUri!.GetLeftPart(UriPartial.Authority));
        Assert.Equal("42", await kernel.RunAsync("x = 6 * 7\nprint(x)"));
        var before = (await server.Api.SessionEventsAsync(session.Id, Ct)).Count;

        await server.KillAsync();
        await server.StartAsync();

        Assert.Equal("43", await kernel.RunAsync("print(x + 1)"));
        var after = await server.Api.GetSessionAsync(session.Id, Ct);
        Assert.Equal(("running", 1, session.Berth.StatusSince), (after.Berth.Status, after.Berth.Generation, after.Berth.StatusSince));
        Assert.Equal(before, (await server.Api.SessionEventsAsync(session.Id, Ct)).Count);
        await server.RemoveAsync(session.Id);
    }
}
