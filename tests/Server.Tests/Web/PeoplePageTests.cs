using System.Net;
using System.Text.RegularExpressions;
using Berth.Server.Storage;
using Microsoft.Extensions.DependencyInjection;

namespace Berth.Server.Tests.Web;

public sealed partial class PeoplePageTests(PageServer server) : IClassFixture<PageServer>
{
    [Fact]
    public async Task AnAdminMakesAUserWhoseLinkLetsThemInToChooseAPassword()
    {
        using var admin = await server.SignInAsync();
        var made = await admin.PostAsync("/users", ("username", "grace"), ("first_name", "Grace"), ("email", "grace@example.org"));
        Assert.Equal(HttpStatusCode.OK, made.Status);
        using var grace = server.Open();
        Assert.Equal(HttpStatusCode.SeeOther, (await grace.GetAsync(LinkIn(made.Text))).Status);

        var account = await grace.GetAsync("/account");
        Assert.Contains("Choose a password", account.Text);
        Assert.Contains("this browser", account.Text);
        var wrong = await grace.PostAsync("/account/password", ("new_password", "long enough 1"), ("repeated", "long enough 2"));
        Assert.Equal(HttpStatusCode.UnprocessableEntity, wrong.Status);
        Assert.Equal(HttpStatusCode.SeeOther, (await grace.PostAsync("/account/password", ("new_password", "long enough 1"), ("repeated", "long enough 1"))).Status);
        Assert.Contains("Change your password", (await grace.GetAsync("/account")).Text);
        Assert.Contains("Grace, grace@example.org", (await admin.GetAsync("/users")).Text);

        var id = UserIn((await admin.GetAsync("/users")).Text, "grace");
        var reset = await admin.PostAsync($"/users/{id}/link");
        Assert.Equal(HttpStatusCode.Found, (await grace.GetAsync("/account")).Status); // signed out
        using var again = server.Open();
        await again.GetAsync(LinkIn(reset.Text));
        Assert.Contains("Choose a password", (await again.GetAsync("/account")).Text);
    }

    [Fact]
    public async Task AQuotaIsSetForAllAndForOneAndItsRefusalIsShownOnTheForm()
    {
        using var admin = await server.SignInAsync();
        using var kay = await server.SignInNewAsync("kay");
        Assert.Equal(HttpStatusCode.SeeOther, (await admin.PostAsync("/users/quota", ("sessions", "7"), ("cpu", ""), ("memory", ""), ("gpu", ""))).Status);
        try
        {
            Assert.Contains("7 sessions", (await kay.GetAsync("/account")).Text);
            var id = UserIn((await admin.GetAsync("/users")).Text, "kay");
            var refused = await admin.PostAsync($"/users/{id}", ("own_quota", "on"), ("quota.sessions", "-1"));
            Assert.Equal(HttpStatusCode.UnprocessableEntity, refused.Status);
            Assert.Contains("Must be from 0", refused.Text);
            await admin.PostAsync($"/users/{id}", ("own_quota", "on"), ("quota.sessions", "0"));
            Assert.Contains("0 sessions", (await kay.GetAsync("/account")).Text);
            var start = await kay.PostAsync("/sessions", ("what", "image"), ("image", "busybox"));
            Assert.Equal(HttpStatusCode.UnprocessableEntity, start.Status);
            Assert.Contains("Your quota is 0 sessions at once", WebUtility.HtmlDecode(start.Text));
        }
        finally
        {
            await admin.PostAsync("/users/quota");
        }
    }

    [Fact]
    public async Task SavingAUserKeepsTheirPassword()
    {
        using var admin = await server.SignInAsync();
        using var user = await server.SignInNewAsync("keeps");
        await user.PostAsync("/account/password", ("new_password", "long enough 1"), ("repeated", "long enough 1"));
        var id = UserIn((await admin.GetAsync("/users")).Text, "keeps");
        Assert.Equal(HttpStatusCode.SeeOther, (await admin.PostAsync($"/users/{id}", ("first_name", "K"))).Status);
        Assert.Contains("Change your password", (await user.GetAsync("/account")).Text);
    }

    [Fact]
    public async Task SignOutEverywhereEndsAllBrowsers()
    {
        using var one = await server.SignInNewAsync("many");
        var id = await server.Services.GetRequiredService<Db>().WriteAsync(
            c => Users.UserStore.IdOfAsync(c, "many"), TestContext.Current.CancellationToken);
        var link = await server.Services.GetRequiredService<Auth.SignInLinks>().CreateAsync(id!, TestContext.Current.CancellationToken);
        using var two = server.Open();
        await two.GetAsync(new Uri(link.Url).PathAndQuery);
        Assert.Equal(HttpStatusCode.OK, (await two.GetAsync("/account")).Status);
        await one.PostAsync("/account/sign-ins/delete");
        Assert.Equal(HttpStatusCode.Found, (await two.GetAsync("/account")).Status);
        Assert.Equal(HttpStatusCode.Found, (await one.GetAsync("/account")).Status);
    }

    [Fact]
    public async Task MembersOfAPoolAreAddedAndRemoved()
    {
        using var admin = await server.SignInAsync();
        using var member = await server.SignInNewAsync("member");
        var made = await admin.PostAsync(
            "/pools", ("name", "closed pool"), ("class_default", "0"), ("class_name", "small"), ("class_cpu", "1"), ("class_memory", "1"),
            ("class_gpu", "0"), ("class_default_storage", "1"), ("class_max_storage", "1"));
        Assert.Equal(HttpStatusCode.SeeOther, made.Status);
        var pool = PoolLink().Matches((await admin.GetAsync("/pools")).Text).Select(m => m.Groups[1].Value).Distinct().Last();

        var refused = await admin.PostAsync($"/pools/{pool}/users", ("user", "nobody"));
        Assert.Equal(HttpStatusCode.UnprocessableEntity, refused.Status);
        Assert.Contains("There is no user &#x27;nobody&#x27;", refused.Text);
        await admin.PostAsync($"/pools/{pool}/users", ("user", "member"));
        Assert.Contains("Remove member", (await admin.GetAsync($"/pools/{pool}")).Text);
        Assert.Contains("closed pool", (await member.GetAsync("/sessions/new")).Text);
        await admin.PostAsync($"/pools/{pool}/users/delete", ("user", "member"));
        Assert.DoesNotContain("closed pool", (await member.GetAsync("/sessions/new")).Text);
    }

    [Fact]
    public async Task EverybodysSessionsAreForAdmins()
    {
        using var user = await server.SignInNewAsync("plain");
        foreach (var path in new[] { "/sessions/all", "/users", "/users/new" })
            Assert.Equal(HttpStatusCode.Forbidden, (await user.GetAsync(path)).Status);

        await user.PostAsync("/sessions", ("what", "image"), ("image", "busybox"), ("name", "plains"));
        using var admin = await server.SignInAsync();
        var all = await admin.GetAsync("/sessions/all?user=plain");
        Assert.Contains("plains", all.Text);
        var id = StopForm().Match(all.Text).Groups[1].Value;
        Assert.Equal(HttpStatusCode.SeeOther, (await admin.PostAsync($"/sessions/all/{id}/stop")).Status);
        await Fakes.Eventually.TrueAsync(
            async () => WebUtility.HtmlDecode((await user.GetAsync("/sessions/history")).Text).Contains("It was stopped by the administrator", StringComparison.Ordinal), "its owner reads who stopped it");

        var history = await user.GetAsync("/sessions/history");
        Assert.Contains("Start again with this work", history.Text);
        var next = await user.PostAsync($"/sessions/{id}/continue");
        Assert.Equal(HttpStatusCode.SeeOther, next.Status);
        Assert.Contains("an earlier session", (await user.GetAsync(next.Location!)).Text);
        Assert.Contains("Went on", (await user.GetAsync("/sessions/history")).Text);
    }

    private static string LinkIn(string page) => new Uri(WebUtility.HtmlDecode(SecretElement().Match(page).Groups[1].Value)).PathAndQuery;

    private static string UserIn(string page, string name) => Regex.Match(page, $"/users/([0-9A-Z]{{26}})\"[^>]*>{name}<").Groups[1].Value;

    [GeneratedRegex("<code id=\"secret\">([^<]+)</code>")]
    private static partial Regex SecretElement();

    [GeneratedRegex("href=\"/pools/([0-9]+)\"")]
    private static partial Regex PoolLink();

    [GeneratedRegex("/sessions/all/([0-9A-Z]{26})/stop")]
    private static partial Regex StopForm();
}
