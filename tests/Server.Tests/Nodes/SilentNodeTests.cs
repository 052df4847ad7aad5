using System.Text;
using Berth.Contracts.Client;
using Berth.Contracts.Problems;
using Berth.Core.Providers;
using Berth.Core.Sessions;
using Berth.Fakes;
using Berth.Providers.Nodes;
using Berth.Server.Nodes;
using Berth.Server.Sessions.LeftOvers;
using Berth.Server.Sessions.Reconcile;

namespace Berth.Server.Tests.Nodes;

/// <summary>Machines that take calls up and answer late, never, or with a refusal: they hold up nobody but those on them.</summary>
public sealed class SilentNodeTests() : NodeTest(new NodeLimits { Question = TimeSpan.FromSeconds(1), StartSilence = TimeSpan.FromSeconds(1) })
{
    private const string Lost = "01HXXXXXXXXXXXXXXXXXXXXXXX";

    [Fact]
    public async Task AMachineThatTakesAQuestionAndNeverAnswersIsAskedAgain()
    {
        await using var node = await FakeNode.JoinAsync(Server, "lab1", Admin);
        var health = Server.Service<ProviderHealth>();
        string? Problem() => health.All.GetValueOrDefault(NodeRow.InstancePrefix + node.Joined.Id);
        node.OnCall = NeverAsync;
        node.Compute.Plant(new SessionKey(Lost, 1)); // news, so that it is asked
        await Eventually.TrueAsync(() => Problem()?.Contains("has not answered for 1 s", StringComparison.Ordinal) == true, "the question is given up", TimeSpan.FromSeconds(20));
        node.OnCall = null;
        await Eventually.TrueAsync(() => node.Compute.Keys.Count == 0, "it is asked again, and what nobody wants is removed", TimeSpan.FromSeconds(20));
        Assert.Null(Problem());
    }

    [Fact]
    public async Task AStartThatIsTakenUpAndNeverAnsweredIsTriedAgain()
    {
        await using var node = await FakeNode.JoinAsync(Server, "lab1", Admin);
        var stuck = 0;
        node.Compute.OnStart = async (_, _, ct) =>
        {
            if (Interlocked.Increment(ref stuck) == 1)
                await Task.Delay(Timeout.Infinite, ct);
        };
        var session = await StartAsync();
        await Eventually.TrueAsync(() => node.Compute.Orders.Count == 1, "it is asked again", TimeSpan.FromSeconds(20));
        Assert.Equal((2, session, 1), (stuck, node.Compute.Orders.Single().Key.SessionId, node.Compute.Orders.Single().Key.Generation));
    }

    [Fact]
    public async Task WhatOneMachineDoesNotAnswerHidesNobodyElsesLeftOvers()
    {
        Server.Compute.Workspaces[SessionKey.NameOfWorkspace(Lost)] = 0;
        await using var unwell = await FakeNode.JoinAsync(Server, "lab1", Admin);
        await using var silent = await FakeNode.JoinAsync(Server, "lab2", Admin);
        unwell.Compute.Away = new ProviderException(Reason.EngineUnreachable, "Docker does not answer.");
        silent.OnCall = NeverAsync;

        var all = await Server.Client.ListOrphansAsync(Ct);

        Assert.Equal(Lost, Assert.Single(all.Workspaces).Id);
        Assert.Equal(["lab1: Docker does not answer.", "lab2: it took the call up, and has not answered for 1 s."], all.NotAsked.Order(StringComparer.Ordinal));
        await Server.Service<LeftOverWatch>().LookAsync(Ct);
        Assert.Contains("1 belong to no session", (await Server.Service<LeftOverWatch>().CheckAsync(Ct)).Message, StringComparison.Ordinal);

        var unknown = await Assert.ThrowsAsync<ApiException>(() => Server.Client.DeleteOrphanAsync("01HZZZZZZZZZZZZZZZZZZZZZZZ", Ct));
        Assert.Equal(ProblemCode.NotFound, unknown.Problem.Kind);
        Assert.Contains("Not asked: lab1: Docker does not answer.", unknown.Message, StringComparison.Ordinal);
        await Server.Client.DeleteOrphanAsync(Lost, Ct);
        await Eventually.TrueAsync(() => Server.Compute.Workspaces.IsEmpty, "it is deleted all the same");
    }

    /// <summary>Hears the call out, and holds its tongue until the server gives up.</summary>
    private static async Task NeverAsync(Stream stream, CancellationToken stop)
    {
        await using (stream)
            await new StreamReader(stream, Encoding.UTF8).ReadToEndAsync(stop);
    }
}
