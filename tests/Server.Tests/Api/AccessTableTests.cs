using Berth.Server.Auth;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace Berth.Server.Tests.Api;

public sealed class AccessTableTests(ApiServer server) : IClassFixture<ApiServer>
{
    [Fact]
    public void EveryEndpointHasARow()
    {
        var without = Endpoints().Where(e => AccessTable.Find(e.Method, e.Pattern) is null).Select(e => $"{e.Method} {e.Pattern}");
        Assert.Empty(without);
    }

    [Fact]
    public void EveryRowHasAnEndpoint()
    {
        var endpoints = Endpoints().ToHashSet();
        Assert.Empty(AccessTable.Rows.Where(r => !endpoints.Contains((r.Method, r.Pattern))).Select(r => $"{r.Method} {r.Pattern}"));
    }

    [Fact]
    public async Task NobodyGetsAnywhereWithoutSigningIn()
    {
        var open = AccessTable.Rows.Where(r => r.Rule is AccessRule.Anonymous or AccessRule.Agent or AccessRule.Node).ToHashSet();
        foreach (var row in AccessTable.Rows.Where(r => !open.Contains(r)))
        {
            var answer = await server.Anonymous.SendAsync(new HttpMethod(row.Method), Concrete(row.Pattern), row.Method == "GET" ? null : new { });
            Assert.True(answer.Status == 401, $"{row.Method} {row.Pattern} answered {answer.Status} to nobody");
        }
    }

    [Fact]
    public async Task OrdinaryUsersAreKeptOutOfEverythingForAdmins()
    {
        var (user, _) = await server.AddUserAsync("plain");
        foreach (var row in AccessTable.Rows.Where(r => r.Rule is AccessRule.Admin or AccessRule.Local))
        {
            var answer = await user.SendAsync(new HttpMethod(row.Method), Concrete(row.Pattern), row.Method == "GET" ? null : new { });
            Assert.True(answer.Status == 403, $"{row.Method} {row.Pattern} answered {answer.Status} to somebody who is no admin");
        }
    }

    private static string Concrete(string pattern) =>
        string.Join('/', pattern.Split('/').Select(s => s.Contains(":int") ? "1" : s.StartsWith('{') ? "01JQ8Z4N6T3V5W7X9Y1A2B3C4D" : s));

    private IEnumerable<(string Method, string Pattern)> Endpoints() =>
        from endpoint in server.Services.GetServices<EndpointDataSource>().SelectMany(s => s.Endpoints).OfType<RouteEndpoint>().Distinct()
        from method in endpoint.Metadata.GetMetadata<HttpMethodMetadata>()?.HttpMethods ?? ["*"]
        select (method, AccessTable.Normalize(endpoint.RoutePattern.RawText));
}
