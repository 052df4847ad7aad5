using System.Net;
using System.Net.Http.Headers;
using Berth.Contracts.Client;
using Berth.Contracts.Nodes;
using Berth.Contracts.Problems;
using Berth.Server.Auth;
using Berth.Server.Nodes;
using Berth.Server.Tests.Queues;
using Berth.Server.Tests.Storage;

namespace Berth.Server.Tests.Nodes;

/// <summary>A machine joins once, with an offer that can be, and can offer something else later.</summary>
public abstract class NodeJoinTests : LineTest
{
    [Fact]
    public async Task AJoinWhoseAnswerWasLostIsTheSameJoinWhenItIsAskedForAgain()
    {
        var (token, secret) = (await TokenAsync(Admin), NodeSecret.New());
        var first = await JoinAsync(new JoinRequest(token, "lab1", secret, new NodeOffer { Queues = ["day"] }));
        var again = await JoinAsync(new JoinRequest(token, "lab1", secret, new NodeOffer { Queues = ["day"] }));
        Assert.Equal(first, again);
        Assert.Equal(["day"], Assert.Single(await Server.Client.ListNodesAsync(Ct)).Queues);

        // Of a machine of pools it makes none whose sessions are processes, and of others' nothing.
        Assert.Equal(ProblemCode.Forbidden, (await RefusedAsync(new JoinRequest(token, "lab1", secret, Processes: true))).Problem.Kind);
        Assert.Equal(ProblemCode.SignInNeeded, (await RefusedAsync(new JoinRequest(token, "lab2", NodeSecret.New()))).Problem.Kind);
    }

    [Theory]
    [InlineData("cpu", "more than 0 cores")]
    [InlineData("queues[1]", "letters, digits")]
    [InlineData("uptime", "nonsense")]
    [InlineData("time_zone", "IANA")]
    public async Task AnOfferThatCannotBeIsRefusedBeforeTheTokenIsUsedUp(string field, string words)
    {
        var offer = field switch
        {
            "cpu" => new NodeOffer { Cpu = 0 },
            "uptime" => new NodeOffer { Uptime = "nonsense" },
            "time_zone" => new NodeOffer { Uptime = "00:00-12:00", TimeZone = "Europe/Nowhere" },
            _ => new NodeOffer { Queues = ["day", "day and night"] },
        };
        var token = await TokenAsync(Admin);
        var refused = await RefusedAsync(new JoinRequest(token, "lab1", NodeSecret.New(), offer));
        Assert.Equal((ProblemCode.Invalid, field), (refused.Problem.Kind, refused.Problem.Field));
        Assert.Contains(words, refused.Message, StringComparison.Ordinal);
        await JoinAsync(new JoinRequest(token, "lab1", NodeSecret.New()));
    }

    [Theory]
    [InlineData("/dev/zero")]
    [InlineData("../../../dev/zero")]
    [InlineData("Local")]
    public async Task ATimeZoneIsLookedUpByItsNameAlone(string zone)
    {
        var refused = await RefusedAsync(new JoinRequest(await TokenAsync(Admin), "lab1", NodeSecret.New(), new NodeOffer { Uptime = "00:00-12:00", TimeZone = zone }));
        Assert.Equal("time_zone", refused.Problem.Field);
    }

    [Fact]
    public async Task WhoseMachineHasANameIsToldToThoseAloneWhoMayRemoveIt()
    {
        using var bea = await UserAsync("bea");
        using var ced = await UserAsync("ced");
        await JoinAsync(new JoinRequest(await TokenAsync(bea), "mine", NodeSecret.New()));
        var stranger = await RefusedAsync(new JoinRequest(await TokenAsync(ced), "MINE", NodeSecret.New()));
        Assert.Contains("The name 'MINE' is taken. Choose another --name.", stranger.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("remove", stranger.Message, StringComparison.Ordinal);
        foreach (var token in new[] { await TokenAsync(bea), await TokenAsync(Admin) })
            Assert.Contains("remove that one first: `berth node remove mine`", (await RefusedAsync(new JoinRequest(token, "mine", NodeSecret.New()))).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("node_short")]
    [InlineData("")]
    public async Task ATokenThatCouldBeGuessedIsNone(string secret) =>
        Assert.Equal("secret", (await RefusedAsync(new JoinRequest(await TokenAsync(Admin), "lab1", secret))).Problem.Field);

    [Fact]
    public async Task WhatAMachineOffersIsChangedAtOnceByTheMachineAlone()
    {
        await using var node = await JoinAsync("lab1", cpu: 8);
        var session = await StartAsync("a", queue: "night");
        await WaitsAsync(session, null, any: true);
        using (var stranger = Machine(NodeSecret.New()))
            Assert.Equal(HttpStatusCode.Unauthorized, (await Assert.ThrowsAsync<ApiException>(() => stranger.SetNodeOfferAsync(new NodeOffer(), Ct))).Status);

        using var machine = Machine(node.Token);
        Assert.Equal("cpu", (await Assert.ThrowsAsync<ApiException>(() => machine.SetNodeOfferAsync(new NodeOffer { Cpu = -1 }, Ct))).Problem.Field);
        Assert.Equal(["day"], (await Server.Client.GetNodeAsync("lab1", Ct)).Queues);
        var taken = await machine.SetNodeOfferAsync(new NodeOffer { Cpu = 4, Queues = ["night", "night"] }, Ct);
        Assert.Equal(["night"], taken.Queues);
        await TakenAsync(node, session);
        Assert.Equal(4, (await Server.Client.GetNodeAsync("lab1", Ct)).Offered!.Cpu);
    }

    private async Task<string> TokenAsync(Caller by) => (await Server.Service<NodeJoins>().CreateAsync(by, new NodeTokenRequest(), Ct)).Token;

    private static async Task<string> TokenAsync(ApiClient by) => (await by.CreateNodeTokenAsync(new NodeTokenRequest(Own: true), Ct)).Token;

    private async Task<JoinAnswer> JoinAsync(JoinRequest request)
    {
        using var client = new ApiClient(new HttpClient { BaseAddress = new Uri(Server.Address + "/") });
        return await client.JoinNodeAsync(request, Ct);
    }

    private Task<ApiException> RefusedAsync(JoinRequest request) => Assert.ThrowsAsync<ApiException>(() => JoinAsync(request));

    private ApiClient Machine(string token)
    {
        var http = new HttpClient { BaseAddress = new Uri(Server.Address + "/") };
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
        return new ApiClient(http);
    }
}

public sealed class SqliteNodeJoinTests : NodeJoinTests;

public sealed class PostgresNodeJoinTests(PostgresFixture postgres) : NodeJoinTests
{
    protected override async Task<string?> DatabaseUrlAsync() => await postgres.CreateDatabaseAsync();
}
