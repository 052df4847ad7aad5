using System.Net;
using System.Text.Json.Nodes;
using Berth.EndToEnd.Tests.House;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace Berth.EndToEnd.Tests;

/// <summary>What is one user's is not there for another.</summary>
[Trait("Needs", "browser")]
public sealed class TwoUsersTests(RunningServer server, Chromium chromium) : IClassFixture<RunningServer>
{
    private const string Password = "correct horse battery";

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Another_users_session_can_neither_be_seen_nor_opened()
    {
        var session = await server.StartSessionAsync(Sample.WebServer("mine"));
        await server.Api.SendJsonAsync(
            HttpMethod.Post, "api/data/users", new JsonObject { ["username"] = "bea", ["password"] = Password }, Ct);
        var home = $"http://localhost:{server.Port}";
        var context = await chromium.NewAsync();
        var page = await context.NewPageAsync();
        await page.GotoAsync(home);
        await page.LookAsync("sign-in");
        await page.GetByLabel("User name").FillAsync("bea");
        await page.GetByLabel("Password").FillAsync(Password);
        await page.GetByRole(AriaRole.Button, new() { Name = "Sign in" }).ClickAsync();

        // Pages.
        await Expect(page.GetByText("No session yet")).ToBeVisibleAsync();
        foreach (var path in new[] { $"/sessions/{session.Id}", $"/sessions/{session.Id}/open", $"/sessions/{session.Id}/stop" })
            Assert.Equal(404, (await page.GotoAsync(home + path))!.Status);
        await page.LookAsync("not-yours");

        // The session's own origin.
        var own = $"http://{session.Id.ToLowerInvariant()}.localhost:{server.Port}/";
        Assert.Equal(404, (await page.GotoAsync(own))!.Status);
        Assert.DoesNotContain("Directory listing", await page.ContentAsync(), StringComparison.Ordinal);

        // API.
        Assert.Equal("[]", await (await context.APIRequest.GetAsync($"{home}/api/berth/sessions")).TextAsync());
        foreach (var path in new[] { "", "/events", "/logs" })
            Assert.Equal(404, (await context.APIRequest.GetAsync($"{home}/api/berth/sessions/{session.Id}{path}")).Status);
        foreach (var verb in new[] { "pause", "resume", "stop", "extend" })
        {
            var answer = await context.APIRequest.PostAsync(
                $"{home}/api/berth/sessions/{session.Id}/{verb}", new() { Headers = new Dictionary<string, string> { ["Origin"] = home } });
            Assert.Equal(404, answer.Status);
        }

        Assert.Equal("running", (await server.Api.GetSessionAsync(session.Id, Ct)).Berth.Status);
        await server.RemoveAsync(session.Id);
    }

    [Fact]
    public async Task Who_is_not_signed_in_is_sent_to_sign_in_and_programs_are_refused()
    {
        var session = await server.StartSessionAsync(Sample.WebServer("closed"));
        var page = await (await chromium.NewAsync()).NewPageAsync();
        await page.GotoAsync(session.Url);
        await Expect(page.GetByRole(AriaRole.Heading, new() { Name = "Sign in" })).ToBeVisibleAsync();
        using var http = new HttpClient();
        using var answer = await http.GetAsync($"http://localhost:{server.Port}/api/berth/sessions", Ct);
        Assert.Equal(HttpStatusCode.Unauthorized, answer.StatusCode);
        await server.RemoveAsync(session.Id);
    }
}
