namespace Berth.Server.Tests.Api;

public abstract class ProjectTests(ApiServer server)
{
    private const string Projects = "/api/data/projects";

    [Fact]
    public async Task EachUserHasAPersonalProjectThatStaysTheirs()
    {
        var (user, _) = await server.AddUserAsync("pia");
        var personal = Assert.Single((await user.GetAsync(Projects)).Ok().List(), p => p.GetProperty("personal").GetBoolean());
        Assert.Equal(("pia", "personal", "owner"), (personal.Text("namespace"), personal.Text("slug"), personal.Text("role")));
        var path = $"{Projects}/{personal.Text("id")}";
        (await user.DeleteAsync(path)).Refused(409, null, "personal");
        (await user.PatchAsync(path, new { visibility = "public" }, "1")).Refused(409, "visibility");
        (await user.PatchAsync(path + "/members", new[] { new { id = "pia", role = "owner" } })).Refused(409);
    }

    [Fact]
    public async Task AProjectIsMadeReadChangedAndDeleted()
    {
        var (user, id) = await server.AddUserAsync("paul");
        var made = await user.PostAsync(Projects, new
        {
            name = "Räume & Daten",
            description = "d",
            keywords = new[] { "a", "b" },
            repositories = new[] { "https://example.org/me/code.git", "git@example.org:me/code.git" },
        });
        var project = made.Created();
        Assert.Equal("r-ume-daten", project.Text("slug"));
        Assert.Equal(("private", id), (project.Text("visibility"), project.Text("created_by")));
        Assert.Equal("\"1\"", made.Headers["ETag"]);
        var path = $"{Projects}/{project.Text("id")}";

        (await user.PatchAsync(path, new { name = "x" })).Refused(428, null, "If-Match");
        (await user.PatchAsync(path, new { name = "x" }, "\"7\"")).Refused(409, null, "read it again");
        var changed = (await user.PatchAsync(path, new { name = "Neu", description = (string?)null }, "\"1\"")).Ok();
        Assert.Equal(("Neu", null, "2"), (changed.Text("name"), changed.TextOrNull("description"), changed.Text("etag")));
        Assert.Equal(2, changed.List("repositories").Count());
        (await user.PatchAsync(path, new { slug = "other" }, "2")).Refused(422, "slug", "cannot be changed");
        Assert.Equal("Neu", (await user.GetAsync("/api/data/namespaces/paul/projects/r-ume-daten")).Ok().Text("name"));

        (await user.DeleteAsync(path)).Is(204);
        (await user.DeleteAsync(path)).Is(204);
        (await user.GetAsync(path)).Refused(404);
    }

    [Fact]
    public async Task ASlugOfOnesOwnMustBeFreeAndOneThatIsMadeIs()
    {
        var (user, _) = await server.AddUserAsync("selma");
        (await user.PostAsync(Projects, new { name = "Same" })).Created();
        Assert.Equal("same-2", (await user.PostAsync(Projects, new { name = "Same" })).Created().Text("slug"));
        (await user.PostAsync(Projects, new { name = "x", slug = "same" })).Refused(409, "slug");
        (await user.PostAsync(Projects, new { name = "x", @namespace = "somebody" })).Refused(422, "namespace", "your own");
    }

    [Fact]
    public async Task RolesMayDoWhatTheyMayAndStrangersDoNotLearnThatItExists()
    {
        var (owner, _) = await server.AddUserAsync("role-owner");
        var (editor, editorId) = await server.AddUserAsync("role-editor");
        var (viewer, _) = await server.AddUserAsync("role-viewer");
        var (stranger, _) = await server.AddUserAsync("role-stranger");
        var id = (await owner.PostAsync(Projects, new { name = "Roles" })).Created().Text("id");
        var path = $"{Projects}/{id}";
        (await stranger.GetAsync(path)).Refused(404);
        (await owner.PatchAsync(path + "/members", new[] { new { id = editorId, role = "editor" }, new { id = "role-viewer", role = "viewer" } })).Ok();

        Assert.Equal("viewer", (await viewer.GetAsync(path)).Ok().Text("role"));
        Assert.Equal(3, (await viewer.GetAsync(path + "/members")).Ok().List().Count());
        (await viewer.PatchAsync(path, new { name = "v" }, "*")).Refused(403, null, "viewer");
        (await editor.PatchAsync(path, new { name = "e" }, "*")).Ok();
        (await editor.PatchAsync(path, new { visibility = "public" }, "*")).Refused(403, "visibility");
        (await editor.PatchAsync(path + "/members", new[] { new { id = "role-stranger", role = "viewer" } })).Refused(403, null, "owners");
        (await editor.DeleteAsync(path)).Refused(403);
        (await stranger.PatchAsync(path, new { name = "s" }, "*")).Refused(404);
        (await stranger.GetAsync(path + "/members")).Refused(404);
        (await stranger.DeleteAsync(path)).Is(204);
        (await server.Owner.GetAsync(path)).Refused(404);

        (await viewer.DeleteAsync($"{path}/members/role-viewer")).Is(204);
        (await viewer.GetAsync(path)).Refused(404);
        (await owner.DeleteAsync($"{path}/members/role-owner")).Refused(409, null, "no owner left");
        (await owner.PatchAsync(path, new { visibility = "public" }, "*")).Ok();
        Assert.Equal("viewer", (await stranger.GetAsync(path)).Ok().Text("role"));
        Assert.True((await stranger.GetAsync(Projects)).Ok().Has(id));
    }

    [Theory]
    [InlineData("ftp://example.org/x", "https://")]
    [InlineData("https://me:secret@example.org/x", "user name or password")]
    [InlineData("/etc", "local socket")]
    [InlineData("--upload-pack=x", "git URL")]
    [InlineData("just words", "without spaces")]
    [InlineData("", "git URL")]
    public async Task ARepositoryThatCannotBeClonedIsRefused(string url, string words)
    {
        var (user, _) = await server.AddUserAsync($"repo-{Guid.NewGuid():n}");
        (await user.PostAsync(Projects, new { name = "x", repositories = new[] { "https://example.org/ok", url } })).Refused(422, "repositories[1]", words);
    }

    [Fact]
    public async Task NamesAndListsAreTakenAtTheirLimitsAndRefusedBeyond()
    {
        (await server.Owner.PostAsync(Projects, new { name = new string('p', 99), description = new string('d', 500) })).Created();
        (await server.Owner.PostAsync(Projects, new { name = new string('p', 100) })).Refused(422, "name", "1 to 99");
        (await server.Owner.PostAsync(Projects, new { name = "" })).Refused(422, "name");
        (await server.Owner.PostAsync(Projects, new { name = "x", description = new string('d', 501) })).Refused(422, "description", "500");
        (await server.Owner.PostAsync(Projects, new { name = "x", description = "null \0 character" })).Refused(422, "description");
        (await server.Owner.PostAsync(Projects, new { name = "x", visibility = "secret" })).Refused(422, "visibility", "private, public");
        (await server.Owner.PostAsync(Projects, new { name = "x", keywords = Enumerable.Repeat("k", 21) })).Refused(422, "keywords", "20");
        (await server.Owner.PatchAsync($"{Projects}/x/members", new[] { new { id = "\0", role = "owner" } })).Refused(404);
    }

    [Fact]
    public async Task OfTwoEditsAtOnceOneIsTold()
    {
        var path = $"{Projects}/{(await server.Owner.PostAsync(Projects, new { name = "Race" })).Created().Text("id")}";
        var answers = await Task.WhenAll(Enumerable.Range(0, 6).Select(i => server.Owner.PatchAsync(path, new { name = $"Race {i}" }, "1")));
        Assert.Single(answers, a => a.Status == 200);
        Assert.All(answers.Where(a => a.Status != 200), a => a.Refused(409));
    }
}

public sealed class SqliteProjectTests(ApiServer server) : ProjectTests(server), IClassFixture<ApiServer>;

[Trait("Needs", "postgres")]
public sealed class PostgresProjectTests(PostgresApiServer server) : ProjectTests(server), IClassFixture<PostgresApiServer>;
