namespace Berth.Server.Tests.Api;

/// <summary>A folder of the server's machine in a project is nobody's but whose socket it is.</summary>
public sealed class LocalRepositoryTests(ApiServer server) : IClassFixture<ApiServer>
{
    [Fact]
    public async Task AStrangerCannotGetAtAFolderOfTheMachineThroughALauncher()
    {
        var folder = Directory.CreateTempSubdirectory("berth-r-").FullName;
        var project = (await server.Owner.PostAsync("/api/data/projects", new { name = "Local code", visibility = "public", repositories = new[] { folder } })).Created();
        var launcher = (await server.Owner.PostAsync("/api/data/session_launchers", new
        {
            project_id = project.GetProperty("id").GetString(),
            name = "With local code",
            environment = new { name = "Any", container_image = "busybox" },
        })).Created();
        var (stranger, _) = await server.AddUserAsync("stranger-local");

        var answer = await stranger.PostAsync("/api/berth/sessions", new { launcher_id = launcher.GetProperty("id").GetString() });

        answer.Refused(403, "launcher_id", folder);
        Directory.Delete(folder);
    }
}
