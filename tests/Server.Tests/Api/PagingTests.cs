namespace Berth.Server.Tests.Api;

public sealed class PagingTests(ApiServer server) : IClassFixture<ApiServer>
{
    public static TheoryData<string> Lists => ["/api/data/users", "/api/berth/tokens", "/api/data/projects", "/api/data/session_launchers", "/api/berth/sessions", "/api/data/sessions", "/api/berth/all_sessions"];

    [Fact]
    public async Task APageIsAPartAndTheHeadersTellTheRest()
    {
        for (var i = 0; i < 5; i++)
            (await server.Owner.PostAsync("/api/berth/tokens", new { name = $"t{i}" })).Created();
        var all = (await server.Owner.GetAsync("/api/berth/tokens")).Ok().List().Select(t => t.Text("id")).ToList();
        var second = await server.Owner.GetAsync("/api/berth/tokens?page=2&per_page=2");
        Assert.Equal(all[2..4], second.Ok().List().Select(t => t.Text("id")));
        Assert.Equal(("2", "2", $"{all.Count}", $"{(all.Count + 1) / 2}"), (second.Headers["page"], second.Headers["per-page"], second.Headers["total"], second.Headers["total-pages"]));
        Assert.Empty((await server.Owner.GetAsync("/api/berth/tokens?page=99&per_page=2")).Ok().List());
    }

    [Theory]
    [MemberData(nameof(Lists))]
    public async Task EachListThatCanGrowHasPages(string list)
    {
        var first = await server.Owner.GetAsync(list + "?per_page=1");
        Assert.InRange(first.Ok().List().Count(), 0, 1);
        Assert.Equal("1", first.Headers["page"]);
        (await server.Owner.GetAsync(list + "?per_page=0")).Refused(422, "per_page", "from 1 to 1000");
        (await server.Owner.GetAsync(list + "?per_page=2147483647")).Refused(422, "per_page");
        (await server.Owner.GetAsync(list + "?page=0")).Refused(422, "page");
    }
}
