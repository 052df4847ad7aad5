using Dapper;

namespace Berth.Server.Tests.Api;

public abstract class EnvironmentAndLauncherTests(ApiServer server)
{
    private const string Environments = "/api/data/environments";
    private const string Launchers = "/api/data/session_launchers";

    [Fact]
    public async Task JupyterLabShips()
    {
        var shipped = (await server.Owner.GetAsync(Environments)).Ok().List().First();
        Assert.Equal(("JupyterLab", "/lab", 8888, "GLOBAL"), (shipped.Text("name"), shipped.Text("default_url"), shipped.Int("port"), shipped.Text("environment_kind")));
        Assert.Equal(server.Options.JupyterImage, shipped.Text("container_image"));
    }

    [Fact]
    public async Task AdminsKeepEnvironmentsAndOthersReadThem()
    {
        var (user, _) = await server.AddUserAsync("env-user");
        (await user.PostAsync(Environments, new { name = "x", container_image = "busybox" })).Refused(403, null, "admins");
        var made = (await server.Owner.PostAsync(Environments, new { name = "Busy", container_image = "busybox:1.36" })).Created();
        var path = $"{Environments}/{made.Text("id")}";
        Assert.Equal((8080, 1000, 1000, "/lab"), (made.Int("port"), made.Int("uid"), made.Int("gid"), made.Text("default_url")));
        Assert.Equal("Busy", (await user.GetAsync(path)).Ok().Text("name"));
        (await user.PatchAsync(path, new { name = "mine" })).Refused(403);
        (await user.DeleteAsync(path)).Refused(403);

        var changed = (await server.Owner.PatchAsync(path, new { uid = (int?)null, command = new[] { "sh", "-c" }, is_archived = true })).Ok();
        Assert.Equal(System.Text.Json.JsonValueKind.Null, changed.GetProperty("uid").ValueKind);
        Assert.Equal(["sh", "-c"], changed.List("command").Select(w => w.GetString()));
        Assert.False((await user.GetAsync(Environments)).Ok().Has(made.Text("id")));
        Assert.True((await user.GetAsync(Environments + "?include_archived=true")).Ok().Has(made.Text("id")));
        (await server.Owner.DeleteAsync(path)).Is(204);
        (await server.Owner.DeleteAsync(path)).Is(204);
        (await user.GetAsync(path)).Refused(404);
    }

    [Theory]
    [InlineData("container_image", "\"x y z\"", "must be an image")]
    [InlineData("container_image", "\"Upper/Case\"", "lower case")]
    [InlineData("container_image", "\"ab\"", "3 to 500")]
    [InlineData("port", "0", "1 to 65399")]
    [InlineData("port", "65400", "1 to 65399")]
    [InlineData("uid", "0", "1 to 65535")]
    [InlineData("gid", "65536", "1 to 65535")]
    [InlineData("default_url", "\"lab\"", "slash")]
    [InlineData("default_url", "\"//evil.example\"", "one slash")]
    [InlineData("mount_directory", "\"work\"", "absolute path")]
    [InlineData("mount_directory", "\"/\"", "below /")]
    [InlineData("working_directory", "\"/a/../b\"", "absolute path")]
    [InlineData("environment_image_source", "\"build\"", "must be image")]
    [InlineData("environment_kind", "\"CUSTOM\"", "must be GLOBAL")]
    public async Task WhatAnEnvironmentCannotBeIsRefused(string field, string value, string words)
    {
        var others = field == "container_image" ? "" : "\"container_image\":\"busybox\",";
        (await server.Owner.PostAsync(Environments, $"{{\"name\":\"x\",{others}\"{field}\":{value}}}")).Refused(422, field, words);
    }

    [Theory]
    [InlineData("ghcr.io/swissdatasciencecenter/renku/py-datascience-jupyterlab")]
    [InlineData("localhost:5000/a/b:v1.2_3-x")]
    [InlineData("busybox@sha256:0123456789012345678901234567890123456789012345678901234567890123")]
    public async Task ImagesAreTakenAsEnginesReadThem(string image) =>
        (await server.Owner.PostAsync(Environments, new { name = "x", container_image = image })).Created();

    [Fact]
    public async Task LaunchersAreReadWhileOthersComeAndGo()
    {
        var project = await ProjectAsync("coming-and-going");
        var launcher = "";
        using var enough = new CancellationTokenSource();
        var others = ComeAndGoAsync();
        for (var i = 0; i < 150; i++)
        {
            (await server.Owner.GetAsync(Launchers)).Ok();
            Assert.Contains((await server.Owner.GetAsync($"{Launchers}/{Volatile.Read(ref launcher)}")).Status, new[] { 200, 404 });
        }

        await enough.CancelAsync();
        await others;

        async Task ComeAndGoAsync()
        {
            while (!enough.IsCancellationRequested)
            {
                var made = (await server.Owner.PostAsync(Launchers, new { project_id = project, name = "Short", environment = new { name = "Own", container_image = "alpine", environment_kind = "CUSTOM" } })).Created();
                Volatile.Write(ref launcher, made.Text("id"));
                (await server.Owner.DeleteAsync($"{Launchers}/{launcher}")).Is(204);
            }
        }
    }

    [Fact]
    public async Task ALauncherOfAGlobalEnvironmentAndOneOfItsOwn()
    {
        var project = await ProjectAsync("launchers");
        var environment = (await server.Owner.PostAsync(Environments, new { name = "Global", container_image = "busybox" })).Created().Text("id");
        var launcher = (await server.Owner.PostAsync(Launchers, new { project_id = project, name = "One", environment = new { id = environment } })).Created();
        var path = $"{Launchers}/{launcher.Text("id")}";
        (await server.Owner.DeleteAsync($"{Environments}/{environment}")).Refused(409, null, "1 launcher uses it");

        var custom = (await server.Owner.PatchAsync(path, new { environment = new { name = "Own", container_image = "alpine", port = 9000, environment_kind = "CUSTOM" } })).Ok();
        Assert.Equal(("CUSTOM", 9000, "One"), (custom.GetProperty("environment").Text("environment_kind"), custom.GetProperty("environment").Int("port"), custom.Text("name")));
        (await server.Owner.DeleteAsync($"{Environments}/{environment}")).Is(204);
        var merged = (await server.Owner.PatchAsync(path, new { environment = new { port = 9001 } })).Ok().GetProperty("environment");
        Assert.Equal(("alpine", 9001, custom.GetProperty("environment").Text("id")), (merged.Text("container_image"), merged.Int("port"), merged.Text("id")));
        (await server.Owner.GetAsync($"{Environments}/{merged.Text("id")}")).Refused(404);
        (await server.Owner.PatchAsync(path, new { environment = new { port = 0 } })).Refused(422, "environment.port");
        (await server.Owner.PatchAsync(path, new { environment = new { id = "x", port = 1 } })).Refused(422, "environment.port", "beside id");
        (await server.Owner.PatchAsync(path, new { environment = new { id = "x" } })).Refused(422, "environment.id");

        (await server.Owner.DeleteAsync(path)).Is(204);
        (await server.Owner.DeleteAsync(path)).Is(204);
        await using var db = await server.Db.OpenAsync(TestContext.Current.CancellationToken);
        Assert.Equal(0, await db.ExecuteScalarAsync<int>("SELECT count(*) FROM environments WHERE id = @id", new { id = merged.Text("id") }));
    }

    [Fact]
    public async Task RolesOfTheProjectAreRolesOfItsLaunchers()
    {
        var (editor, _) = await server.AddUserAsync("l-editor");
        var (viewer, _) = await server.AddUserAsync("l-viewer");
        var (stranger, _) = await server.AddUserAsync("l-stranger");
        var project = await ProjectAsync("launcher roles");
        (await server.Owner.PatchAsync($"/api/data/projects/{project}/members", new[] { new { id = "l-editor", role = "editor" }, new { id = "l-viewer", role = "viewer" } })).Ok();
        object request = new { project_id = project, name = "L", environment = new { name = "e", container_image = "busybox" } };

        (await viewer.PostAsync(Launchers, request)).Refused(403, null, "viewer");
        (await stranger.PostAsync(Launchers, request)).Refused(404, "project_id");
        var id = (await editor.PostAsync(Launchers, request)).Created().Text("id");
        Assert.True((await viewer.GetAsync(Launchers)).Ok().Has(id));
        Assert.True((await viewer.GetAsync($"/api/data/projects/{project}/session_launchers")).Ok().Has(id));
        Assert.False((await stranger.GetAsync(Launchers)).Ok().Has(id));
        (await stranger.GetAsync($"{Launchers}/{id}")).Refused(404);
        (await stranger.GetAsync($"/api/data/projects/{project}/session_launchers")).Refused(404);
        (await stranger.PatchAsync($"{Launchers}/{id}", new { name = "s" })).Refused(404);
        (await stranger.DeleteAsync($"{Launchers}/{id}")).Is(204);
        (await viewer.PatchAsync($"{Launchers}/{id}", new { name = "v" })).Refused(403);
        (await viewer.DeleteAsync($"{Launchers}/{id}")).Refused(403);
        (await editor.PatchAsync($"{Launchers}/{id}", new { name = "e" })).Ok();
    }

    [Theory]
    [InlineData("1A", "letters, digits")]
    [InlineData("RENKU_X", "RENKU or BERTH")]
    [InlineData("berth_x", "RENKU or BERTH")]
    [InlineData("A-B", "letters, digits")]
    [InlineData("", "1 to 256")]
    public async Task AVariableMustHaveANameThatWorks(string name, string words)
    {
        var project = await ProjectAsync("variables");
        (await server.Owner.PostAsync(Launchers, new
        {
            project_id = project,
            name = "L",
            environment = new { name = "e", container_image = "busybox" },
            env_variables = new[] { new { name = "OK", value = "v" }, new { name, value = "v" } },
        })).Refused(422, "env_variables[1].name", words);
    }

    [Fact]
    public async Task WhatALauncherCannotBeIsRefused()
    {
        var project = await ProjectAsync("limits");
        var environment = new { name = "e", container_image = "busybox" };
        (await server.Owner.PostAsync(Launchers, new { project_id = project, name = "L", environment, resource_class_id = 9999 })).Refused(422, "resource_class_id");
        (await server.Owner.PostAsync(Launchers, new { project_id = project, name = "L", environment, disk_storage = 0 })).Refused(422, "disk_storage");
        (await server.Owner.PostAsync(Launchers, new { project_id = project, name = "L", environment, resource_class_id = 1, disk_storage = 100_000 })).Refused(422, "disk_storage", "at most");
        (await server.Owner.PostAsync(Launchers, new { project_id = project, name = "L", environment = new { name = "e" } })).Refused(422, "environment.container_image", "is required");
        (await server.Owner.PostAsync(Launchers, new { project_id = project, name = "L", environment = "busybox" })).Refused(422, "environment", "must be an object");
        (await server.Owner.PostAsync(Launchers, new { project_id = project, name = "L", environment = new { name = "e", container_image = "busybox", size = 1 } })).Refused(422, "environment.size", "no such field");
        (await server.Owner.PostAsync(Launchers, new { project_id = project, name = "L", environment, launcher_type = "non-interactive" })).Refused(422, "launcher_type");
        (await server.Owner.PostAsync(Launchers, new { project_id = project, name = "L", environment, env_variables = Enumerable.Range(0, 33).Select(i => new { name = $"V{i}" }) })).Refused(422, "env_variables", "32");
    }

    [Fact]
    public async Task DeletingAProjectTakesItsLaunchersAlong()
    {
        var project = await ProjectAsync("gone");
        var launcher = (await server.Owner.PostAsync(Launchers, new { project_id = project, name = "L", environment = new { name = "e", container_image = "busybox" } })).Created();
        (await server.Owner.DeleteAsync($"/api/data/projects/{project}")).Is(204);
        (await server.Owner.GetAsync($"{Launchers}/{launcher.Text("id")}")).Refused(404);
        await using var db = await server.Db.OpenAsync(TestContext.Current.CancellationToken);
        Assert.Equal(0, await db.ExecuteScalarAsync<int>("SELECT count(*) FROM environments WHERE id = @id", new { id = launcher.GetProperty("environment").Text("id") }));
    }

    private async Task<string> ProjectAsync(string name) => (await server.Owner.PostAsync("/api/data/projects", new { name })).Created().Text("id");
}

public sealed class SqliteEnvironmentAndLauncherTests(ApiServer server) : EnvironmentAndLauncherTests(server), IClassFixture<ApiServer>;

[Trait("Needs", "postgres")]
public sealed class PostgresEnvironmentAndLauncherTests(PostgresApiServer server) : EnvironmentAndLauncherTests(server), IClassFixture<PostgresApiServer>;
