namespace Berth.Server.Tests.Api;

public sealed class ErrorTests(ApiServer server) : IClassFixture<ApiServer>
{
    private const string Pools = "/api/data/resource_pools";

    [Theory]
    [InlineData("""{"name":"some pool","classes":[{"name":"small","cpu":"one","memory":1,"gpu":0,"max_storage":1}]}""", "classes[0].cpu", "must be a number")]
    [InlineData("""{"name":"some pool","classes":[{"name":"small","cpu":1,"memory":1.5,"gpu":0,"max_storage":1}]}""", "classes[0].memory", "must be a whole number")]
    [InlineData("""{"name":"some pool","classes":[{"name":"small","cpu":1,"memory":1,"gpu":0,"max_storage":1,"colour":"red"}]}""", "classes[0].colour", "there is no such field")]
    [InlineData("""{"name":"some pool","classes":[{"name":"small"}]}""", "classes[0].cpu", "is required")]
    [InlineData("""{"name":"some pool","classes":[null]}""", "classes[0]", "must be a class")]
    [InlineData("""{"name":5,"classes":[]}""", "name", "must be a text")]
    [InlineData("""{"name":null,"classes":[]}""", "name", "must not be null")]
    [InlineData("""{"name":"some pool","classes":{}}""", "classes", "must be a list")]
    [InlineData("""{"name":"some pool","classes":[],"public":"yes"}""", "public", "must be true or false")]
    [InlineData("""{"name":"some pool","name":"twice","classes":[]}""", "name", "more than once")]
    [InlineData("""{"classes":[]}""", "name", "is required")]
    [InlineData("""{}""", "name", "is required; so is classes")]
    [InlineData("""[]""", null, "must be an object")]
    [InlineData("""{"name":""", null, "not valid JSON (line 1")]
    [InlineData("null", null, "body is needed")]
    [InlineData("", null, "body is needed")]
    public async Task ABadBodyIsRefusedByTheNameOfItsField(string body, string? field, string words) =>
        (await server.Owner.SendAsync(HttpMethod.Post, Pools, body)).Refused(422, field, words);

    [Theory]
    [InlineData("""{"name":7}""", "name", "must be a text")]
    [InlineData("""{"nome":"x"}""", "nome", "there is no such field")]
    [InlineData("""{"quota":{"cpu":true}}""", "quota.cpu", "must be a number")]
    [InlineData("""[]""", "body", "must be an object")]
    [InlineData("""{"name":"a","name":"b"}""", "name", "more than once")]
    [InlineData("{", null, "not valid JSON")]
    [InlineData("""{"name":"\ud800"}""", null, "half a character")]
    [InlineData("""{"\ud800":1}""", null, "half a character")]
    public async Task ABadPatchIsRefusedLikeABadPost(string body, string? field, string words) =>
        (await server.Owner.SendAsync(HttpMethod.Patch, Pools + "/1", body)).Refused(422, field, words);

    [Fact]
    public async Task WhatIsNotThereIsNotFound()
    {
        (await server.Owner.GetAsync("/api/nothing")).Refused(404, null, "/api/nothing");
        (await server.Owner.GetAsync("/api/data/environments/x")).Refused(404, null, "berth environment list");
        (await server.Owner.GetAsync("/api/data/projects/x")).Refused(404, null, "berth project list");
        (await server.Owner.GetAsync("/api/data/resource_pools/99999")).Refused(404);
        (await server.Owner.GetAsync("/api/data/resource_pools/99999999999999")).Refused(404);
        (await server.Owner.GetAsync("/api/data/users/x")).Refused(404);
    }

    [Fact]
    public async Task AWrongMethodOrContentTypeIsSaid()
    {
        (await server.Owner.SendAsync(HttpMethod.Put, "/api/data/projects", new { })).Refused(405, null, "PUT");
        using var content = new StringContent("name=x", System.Text.Encoding.UTF8, "application/x-www-form-urlencoded");
        using var response = await server.Owner.Http.PostAsync("/api/berth/tokens", content, TestContext.Current.CancellationToken);
        Assert.Equal(415, (int)response.StatusCode);
        Assert.Contains("application/json", await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task ABadQueryNamesTheParameter() =>
        (await server.Owner.GetAsync(Pools + "?cpu=many")).Refused(422, null, "cpu", "many");

    [Theory]
    [InlineData("/api/data/projects/%F0%9F%92%A5")]
    [InlineData("/api/data/environments/';DROP TABLE users;--")]
    [InlineData("/api/data/namespaces/%FF/projects/..%2F")]
    public async Task StrangeIdsAreNotFoundAndNoFault(string path) => Assert.Equal(404, (await server.Owner.GetAsync(path)).Status);

    [Fact]
    public async Task ATokenNameAtItsLimitIsTakenAndBeyondItRefused()
    {
        (await server.Owner.PostAsync("/api/berth/tokens", new { name = new string('n', 99) })).Created();
        (await server.Owner.PostAsync("/api/berth/tokens", new { name = new string('n', 100) })).Refused(422, "name", "1 to 99", "100");
        (await server.Owner.PostAsync("/api/berth/tokens", new { name = "  " })).Refused(422, "name");
        (await server.Owner.PostAsync("/api/berth/tokens", new { name = "x", expires_in_days = 367 })).Refused(422, "expires_in_days", "1 to 366");
    }
}
