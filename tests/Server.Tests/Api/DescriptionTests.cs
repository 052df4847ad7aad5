using Berth.Server.Auth;

namespace Berth.Server.Tests.Api;

public sealed class DescriptionTests(ApiServer server) : IClassFixture<ApiServer>
{
    [Fact]
    public async Task EveryEndpointOfTheApiIsDescribedWithASummary()
    {
        var paths = (await server.Anonymous.GetAsync("/api/openapi.json")).Ok().GetProperty("paths");
        foreach (var row in AccessTable.Rows.Where(r => r.Pattern.StartsWith("/api/", StringComparison.Ordinal) && r.Rule is not (AccessRule.Agent or AccessRule.Node) && r.Pattern != "/api/openapi.json"))
        {
            var path = row.Pattern.Replace(":int", "");
            Assert.True(paths.TryGetProperty(path, out var operations), $"{path} is not described");
            Assert.True(operations.TryGetProperty(row.Method.ToLowerInvariant(), out var operation), $"{row.Method} {path} is not described");
            Assert.True(operation.TryGetProperty("summary", out _), $"{row.Method} {path} has no summary");
        }
    }

    [Fact]
    public async Task ThePageToTryItNeedsNothingThatItsPolicyForbids()
    {
        var page = await server.Anonymous.GetAsync("/api/docs/index.html");
        Assert.DoesNotMatch("<script(?![^>]*src=)", page.Is(200).Body);
        Assert.Contains("script-src 'self';", page.Headers["Content-Security-Policy"]);
        (await server.Anonymous.GetAsync("/api/docs/swagger-ui-bundle.js")).Is(200);
        Assert.Contains("/api/openapi.json", (await server.Anonymous.GetAsync("/api/docs/index.js")).Is(200).Body);
    }
}
