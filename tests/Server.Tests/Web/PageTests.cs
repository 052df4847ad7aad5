using System.Net;
using System.Reflection;
using Berth.Server.Web.Forms;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace Berth.Server.Tests.Web;

public sealed class PageTests(PageServer server) : IClassFixture<PageServer>
{
    [Theory]
    [InlineData("/", "Sessions")]
    [InlineData("/sessions/new", "New session")]
    [InlineData("/sessions/history", "History")]
    [InlineData("/launchers", "Launchers")]
    [InlineData("/launchers/new", "New launcher")]
    [InlineData("/environments", "Environments")]
    [InlineData("/environments/new", "New environment")]
    [InlineData("/projects", "Projects")]
    [InlineData("/projects/new", "New project")]
    [InlineData("/pools", "Pools")]
    [InlineData("/pools/new", "New pool")]
    [InlineData("/tokens", "API tokens")]
    public async Task EachPageAnswersInTheSameFrame(string path, string title)
    {
        using var browser = await server.SignInAsync();

        var page = await browser.GetAsync(path);

        Assert.Equal(HttpStatusCode.OK, page.Status);
        Assert.Equal($"{title} · Berth", page.Title);
        Assert.Contains("aria-label=\"Main\"", page.Text);
        Assert.True(page.Answer.Headers.CacheControl?.NoStore);
        Assert.DoesNotContain(" style=", page.Text);
        Assert.DoesNotContain("<script>", page.Text);
    }

    [Fact]
    public async Task WhoIsNotSignedInIsSentToTheSignInAndBack()
    {
        using var browser = server.Open();

        var page = await browser.GetAsync("/launchers/new?project=1");

        Assert.Equal(HttpStatusCode.Redirect, page.Status);
        Assert.Equal("/sign-in?next=%2Flaunchers%2Fnew%3Fproject%3D1", page.Location);
        Assert.Contains("value=\"/launchers/new?project=1\"", (await browser.GetAsync(page.Location!)).Text);
    }

    [Fact]
    public async Task TheSignInLeadsToNoOtherSite()
    {
        using var browser = server.Open();

        Assert.Contains("name=\"next\" value=\"/\"", (await browser.GetAsync("/sign-in?next=//elsewhere.example/")).Text);
    }

    [Theory]
    [InlineData("password", "wrong")]
    [InlineData("link", "used already")]
    [InlineData("wait", "Too many")]
    public async Task TheSignInSaysWhatWentWrong(string problem, string words)
    {
        using var browser = server.Open();

        Assert.Contains(words, (await browser.GetAsync($"/sign-in?problem={problem}")).Text);
    }

    [Fact]
    public async Task WhatIsNotThereIsSaidOnAPageLikeTheOthers()
    {
        using var browser = await server.SignInAsync();

        var page = await browser.GetAsync("/no/such/page");

        Assert.Equal(HttpStatusCode.NotFound, page.Status);
        Assert.Equal("Not found · Berth", page.Title);
        Assert.Contains("aria-label=\"Main\"", page.Text);
    }

    [Fact]
    public async Task WhoIsNoAdminIsRefusedOnAPageLikeTheOthersAndNotOfferedPools()
    {
        using var browser = await server.SignInNewAsync("plain");

        Assert.DoesNotContain("href=\"/pools\"", (await browser.GetAsync("/")).Text);
        var page = await browser.GetAsync("/pools");
        Assert.Equal(HttpStatusCode.Forbidden, page.Status);
        Assert.Equal("Not allowed · Berth", page.Title);
    }

    [Fact]
    public async Task APostWithoutAFormsTokenIsRefused()
    {
        using var browser = await server.SignInAsync();

        var page = await browser.PostAsItIsAsync("/tokens", byHtmx: false, ("name", "mine"));

        Assert.Equal(HttpStatusCode.Forbidden, page.Status);
        Assert.DoesNotContain("mine", (await browser.GetAsync("/tokens")).Text);
    }

    /// <summary>Binding the form checks the token: a handler without it would not.</summary>
    [Fact]
    public void EveryPostOfAPageTakesItsForm()
    {
        var posts = server.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>()
            .Where(e => e.Metadata.GetMetadata<HttpMethodMetadata>()?.HttpMethods.Contains("POST") is true)
            .Select(e => (e.RoutePattern.RawText, Handler: e.Metadata.GetMetadata<MethodInfo>()))
            .Where(e => e.Handler?.DeclaringType?.Namespace?.StartsWith("Berth.Server.Web", StringComparison.Ordinal) is true)
            .ToList();

        Assert.NotEmpty(posts);
        Assert.All(posts, e => Assert.Contains(e.Handler!.GetParameters(), p => p.ParameterType == typeof(PageForm)));
    }

    [Fact]
    public async Task WhatPagesLoadIsKeptByBrowsersUntilItChanges()
    {
        using var browser = server.Open();
        var css = (await browser.GetAsync("/sign-in")).Text.Split('"').First(part => part.EndsWith("berth.css", StringComparison.Ordinal));

        var fresh = await browser.GetAsync(css);
        var old = await browser.GetAsync("/assets/0123456789ab/berth.css");

        Assert.True(fresh.Answer.Headers.CacheControl?.Public);
        Assert.Equal(TimeSpan.FromDays(365), fresh.Answer.Headers.CacheControl?.MaxAge);
        Assert.Equal(fresh.Text, old.Text);
        Assert.True(old.Answer.Headers.CacheControl?.NoStore);
        Assert.Equal(HttpStatusCode.NotFound, (await browser.GetAsync("/assets/0123456789ab/..%2fberth-server.dll")).Status);
    }

    [Fact]
    public async Task ATokensSecretIsShownOnceAndATokenCanBeDeleted()
    {
        using var browser = await server.SignInAsync();

        var created = await browser.PostAsync("/tokens", ("name", "laptop"), ("expires_in_days", "7"));
        var listed = await browser.GetAsync("/tokens");
        var deletion = listed.Text.Split('"').First(part => part.StartsWith("/tokens/", StringComparison.Ordinal));
        var deleted = await browser.PostAsync(deletion);

        Assert.Contains("berth_", created.Text);
        Assert.Contains("laptop", listed.Text);
        Assert.DoesNotContain("<code id=\"secret\">", listed.Text);
        Assert.Equal((HttpStatusCode.SeeOther, "/tokens"), (deleted.Status, deleted.Location));
        var after = (await browser.GetAsync("/tokens")).Text;
        Assert.Contains("The token is deleted", after);
        Assert.Contains("No token yet", after);
        Assert.DoesNotContain("The token is deleted", (await browser.GetAsync("/tokens")).Text);
    }

    [Fact]
    public async Task ARefusedFormKeepsItsInputAndSaysWhyBesideTheField()
    {
        using var browser = await server.SignInAsync();

        var page = await browser.PostAsync("/tokens", ("name", "keep me"), ("expires_in_days", "many"));

        Assert.Equal(HttpStatusCode.UnprocessableEntity, page.Status);
        Assert.Contains("value=\"keep me\"", page.Text);
        Assert.Contains("is not a whole number", page.Text);
        Assert.Contains("id=\"expires_in_days-error\"", page.Text);
    }
}
