using System.Net;
using static Berth.Server.Tests.Web.PageServer;

namespace Berth.Server.Tests.Web;

/// <summary>What is kept in the rooms can be made, changed and deleted on pages.</summary>
public sealed class RoomPageTests(PageServer server) : IClassFixture<PageServer>
{
    [Fact]
    public async Task AnEnvironmentIsMadeChangedArchivedAndDeleted()
    {
        using var browser = await server.SignInAsync();

        await MakeAsync(browser, "/environments", ("name", "Workbench <1>"), ("container_image", "example/lab:1"), ("port", "8888"), ("command", "run\n--all"));
        var list = await browser.GetAsync("/environments");
        var path = LinkOf(list, "Workbench &lt;1&gt;");
        var form = await browser.GetAsync(path);
        Assert.Contains(">run&#xA;--all</textarea>", form.Text);

        Saved(await browser.PostAsync(path, ("name", "Workbench <2>"), ("container_image", "example/lab:2"), ("is_archived", "on")));
        Assert.DoesNotContain(path, (await browser.GetAsync("/environments")).Text);
        Assert.Contains("example/lab:2", (await browser.GetAsync("/environments?archived=on")).Text);

        Assert.Contains("Delete Workbench &lt;2&gt;?", (await browser.GetAsync($"{path}/delete")).Text);
        Saved(await browser.PostAsync($"{path}/delete"));
        Assert.DoesNotContain("example/lab:2", (await browser.GetAsync("/environments?archived=on")).Text);
    }

    [Fact]
    public async Task ARefusedEnvironmentIsNotMade()
    {
        using var browser = await server.SignInAsync();

        var page = await browser.PostAsync("/environments", ("name", "Broken"), ("container_image", "NOT AN IMAGE"), ("port", "99999"));

        Assert.Equal(HttpStatusCode.UnprocessableEntity, page.Status);
        Assert.Contains("value=\"NOT AN IMAGE\"", page.Text);
        Assert.DoesNotContain("Broken", (await browser.GetAsync("/environments")).Text);
    }

    [Fact]
    public async Task AProjectIsMadeSharedChangedAndDeleted()
    {
        using var browser = await server.SignInAsync();
        using var colleague = await server.SignInNewAsync("grace");

        var made = await browser.PostAsync("/projects", ("name", "Glacier melt"), ("repositories", "https://example.org/a.git\nhttps://example.org/b.git"), ("keywords", "ice, water"));
        var path = Saved(made);
        var page = await browser.GetAsync(path);
        Assert.Contains("https://example.org/b.git", page.Text);
        Assert.Contains("ice, water", page.Text);
        Assert.Equal(HttpStatusCode.NotFound, (await colleague.GetAsync(path)).Status);

        Saved(await browser.PostAsync($"{path}/members", ("id", "grace"), ("role", "viewer")));
        var theirs = await colleague.GetAsync(path);
        Assert.Equal(HttpStatusCode.OK, theirs.Status);
        Assert.DoesNotContain($"{path}/edit", theirs.Text);
        var refused = await browser.PostAsync($"{path}/members", ("id", "nobody"), ("role", "viewer"));
        Assert.Equal(HttpStatusCode.UnprocessableEntity, refused.Status);
        Assert.Contains("there is no &#x27;nobody&#x27;", refused.Text);

        var form = await browser.GetAsync($"{path}/edit");
        Saved(await browser.PostAsync(path, ("name", "Glacier"), ("etag", ValueOf(form, "etag")), ("visibility", "private")));
        var stale = await browser.PostAsync(path, ("name", "Other"), ("etag", ValueOf(form, "etag")), ("visibility", "private"));
        Assert.Equal(HttpStatusCode.Conflict, stale.Status);
        Assert.Contains("value=\"Other\"", stale.Text);

        Saved(await browser.PostAsync($"{path}/delete"));
        Assert.Equal(HttpStatusCode.NotFound, (await browser.GetAsync(path)).Status);
    }

    [Fact]
    public async Task ALauncherIsMadeWithAnImageOfItsOwnAndChanged()
    {
        using var browser = await server.SignInAsync();
        var project = Saved(await browser.PostAsync("/projects", ("name", "Launching"))).Split('/')[^1];

        await MakeAsync(
            browser, "/launchers", ("project_id", project), ("name", "Dashboard"), ("environment_id", ""), ("environment.container_image", "example/app:1"),
            ("environment.port", "5000"), ("env_name", "MODE"), ("env_value", "fast"), ("env_name", ""), ("env_value", ""));
        var path = LinkOf(await browser.GetAsync("/launchers"), "Dashboard");
        var form = await browser.GetAsync(path);
        Assert.Contains("value=\"example/app:1\"", form.Text);
        Assert.Contains("value=\"MODE\"", form.Text);

        var refused = await browser.PostAsync(path, ("name", "Dashboard"), ("environment_id", ""), ("environment.container_image", "example/app:1"), ("environment.port", "0"));
        Assert.Equal(HttpStatusCode.UnprocessableEntity, refused.Status);
        Assert.Contains("id=\"environment.port-error\"", refused.Text);

        Saved(await browser.PostAsync(path, ("name", "Board"), ("environment_id", ""), ("environment.container_image", "example/app:2")));
        Assert.Contains("example/app:2", (await browser.GetAsync("/launchers")).Text);
        Saved(await browser.PostAsync($"{path}/delete"));
        Assert.DoesNotContain("example/app:2", (await browser.GetAsync("/launchers")).Text);
    }

    [Fact]
    public async Task APoolIsMadeWithItsClassesChangedAndDeleted()
    {
        using var browser = await server.SignInAsync();

        await MakeAsync(
            browser, "/pools", ("name", "workshop"), ("public", "on"), ("class_default", "1"),
            ("class_name", "small"), ("class_cpu", "0.5"), ("class_memory", "1"), ("class_gpu", ""), ("class_default_storage", ""), ("class_max_storage", "10"),
            ("class_name", "large"), ("class_cpu", "4"), ("class_memory", "8"), ("class_gpu", "0"), ("class_default_storage", "5"), ("class_max_storage", "50"),
            ("class_name", ""), ("class_cpu", ""), ("class_memory", ""), ("class_gpu", ""), ("class_default_storage", ""), ("class_max_storage", ""));
        var path = LinkOf(await browser.GetAsync("/pools"), "workshop");
        var form = await browser.GetAsync(path);
        Assert.Contains("value=\"0.5\"", form.Text);

        var refused = await browser.PostAsync(
            path, ("name", "workshop"), ("class_default", "0"),
            ("class_name", "small"), ("class_cpu", "much"), ("class_memory", "1"), ("class_max_storage", "10"));
        Assert.Equal(HttpStatusCode.UnprocessableEntity, refused.Status);
        Assert.Contains("class=\"refused\"", refused.Text);
        Assert.Contains("Cores of the class &#x27;small&#x27; must be a number.", refused.Text);
        Assert.Contains("value=\"much\"", refused.Text);

        Saved(await browser.PostAsync($"{path}/delete"));
        Assert.DoesNotContain("workshop", (await browser.GetAsync("/pools")).Text);
    }

    private static async Task MakeAsync(Browser browser, string path, params (string Name, string Value)[] fields)
    {
        var page = await browser.PostAsync(path, fields);
        Assert.Equal((HttpStatusCode.SeeOther, path), (page.Status, page.Location));
    }

    private static string Saved(Page page)
    {
        Assert.True(page.Status == HttpStatusCode.SeeOther, page.Text);
        return page.Location!;
    }

    /// <summary>Where a name on a list leads.</summary>
    private static string LinkOf(Page page, string name)
    {
        var end = page.Text.IndexOf($">{name}</a>", StringComparison.Ordinal);
        Assert.True(end > 0, $"{name} is not on the page: {page.Text}");
        return page.Text[..end].Split("href=\"")[^1].Split('"')[0];
    }

    private static string ValueOf(Page page, string field) => page.Text.Split($"name=\"{field}\" value=\"")[1].Split('"')[0];
}
