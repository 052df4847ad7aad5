using Berth.EndToEnd.Tests.House;
using Berth.Fakes;

namespace Berth.EndToEnd.Tests;

/// <summary>Code in a session: repositories and folders of this machine.</summary>
public sealed class CodeTests(RunningServer server) : IClassFixture<RunningServer>, IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("berth-code-").FullName;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task A_repository_of_this_machine_is_cloned_into_the_workspace()
    {
        await CommitAsync();
        var start = await server.BerthAsync(
            "session", "start", "--name", "cloned", "--repo", _folder, "--image", Sample.Image, "--port", "8000", "--", "python3", "-m", "http.server", "8000");
        Assert.True(start.Code == 0, start.Error);
        Assert.DoesNotContain("was not cloned", start.Error, StringComparison.Ordinal);
        Assert.Equal("from the repository", await FileAsync(start.Line, $"/{Path.GetFileName(_folder)}/readme.txt"));
        await server.RemoveAsync("cloned");
        Assert.True(Directory.Exists(_folder));
    }

    [Fact]
    public async Task A_public_repository_is_cloned_over_http_at_the_branch_that_was_asked_for()
    {
        await CommitAsync();
        await GitAsync("tag", "v1");
        await GitAsync("update-server-info");
        var busybox = await DebianProgram.FindAsync("busybox", "busybox-static", server.DataFolder);
        using var outside = await OutsideHost.TryMakeAsync(busybox, "httpd", "-f", "-p", $"{OutsideHost.Port}", "-h", _folder);
        Assert.SkipWhen(outside is null, "Needs root and iproute2: sessions do not reach this machine's own services.");

        var url = $"http://{OutsideHost.Address}:{OutsideHost.Port}/.git";
        var start = await server.BerthAsync(
            "session", "start", "--name", "public", "--repo", url, "--branch", "v1", "--image", Sample.Image, "--port", "8000",
            "--", "python3", "-m", "http.server", "8000");
        Assert.True(start.Code == 0, start.Error);
        Assert.DoesNotContain("was not cloned", start.Error, StringComparison.Ordinal);
        Assert.Equal("from the repository", await FileAsync(start.Line, "/repository/readme.txt"));
        await server.RemoveAsync("public");
    }

    [Fact]
    public async Task A_repository_that_the_sessions_user_may_not_read_is_told_as_such()
    {
        await CommitAsync();
        File.SetUnixFileMode(_folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        var start = await server.BerthAsync(
            "session", "start", "--name", "private", "--repo", _folder, "--image", Sample.Image, "--port", "8000", "--", "python3", "-m", "http.server", "8000");
        Assert.True(start.Code == 0, start.Error);
        Assert.Contains($"{_folder} was not cloned: the session's user (1000) may not read it.", start.Error, StringComparison.Ordinal);
        await server.RemoveAsync("private");
    }

    [Fact]
    public async Task A_clone_that_fails_is_a_notice_and_the_session_runs()
    {
        var start = await server.BerthAsync(
            "session", "start", "--name", "bare", "--repo", "http://127.0.0.1:1/team/code.git", "--image", Sample.Image, "--port", "8000",
            "--", "python3", "-m", "http.server", "8000");
        Assert.True(start.Code == 0, start.Error);
        Assert.Contains("http://127.0.0.1:1/team/code.git was not cloned", start.Error, StringComparison.Ordinal);
        var session = await server.Api.GetSessionAsync("bare", Ct);
        Assert.Equal("running", session.Berth.Status);
        Assert.Contains("was not cloned", Assert.Single(session.Berth.Notices), StringComparison.Ordinal);
        await server.RemoveAsync("bare");
    }

    [Fact]
    public async Task The_folder_that_the_command_runs_in_is_the_workspace_and_its_files_stay_the_callers()
    {
        await Ran.WellAsync("chown", "1234:1235", _folder);
        await File.WriteAllTextAsync(Path.Combine(_folder, "mine.txt"), "mine", Ct);
        const string Code = "import os\nopen('made','w').write(os.getcwd())\nimport http.server\nhttp.server.test(http.server.SimpleHTTPRequestHandler, port=8000)";

        var start = await server.BerthInAsync(
            _folder, "session", "start", "--name", "here", "--here", "--image", Sample.Image, "--port", "8000", "--", "python3", "-c", Code);

        Assert.True(start.Code == 0, start.Error);
        Assert.Equal("mine", await FileAsync(start.Line, "/mine.txt"));
        Assert.Equal("/work", await File.ReadAllTextAsync(Path.Combine(_folder, "made"), Ct));
        Assert.Equal("1234:1235", (await Ran.WellAsync("stat", "-c", "%u:%g", Path.Combine(_folder, "made"))).Line);
        await server.RemoveAsync("here");
        Assert.True(File.Exists(Path.Combine(_folder, "mine.txt")));
    }

    private async Task CommitAsync()
    {
        File.SetUnixFileMode(_folder, (UnixFileMode)0b111_101_101); // made for its owner alone, and the session is another user
        await GitAsync("init", "--quiet", "--initial-branch", "main");
        await File.WriteAllTextAsync(Path.Combine(_folder, "readme.txt"), "from the repository", Ct);
        await GitAsync("add", ".");
        await GitAsync("-c", "user.name=A", "-c", "user.email=a@example.org", "commit", "--quiet", "-m", "First");
    }

    private Task<Ran> GitAsync(params string[] arguments) => Ran.WellAsync("git", ["-C", _folder, .. arguments]);

    /// <summary>A file of the workspace, through the session's own web server.</summary>
    private async Task<string?> FileAsync(string link, string path)
    {
        using var visitor = await Visitor.SignInAsync(server);
        using var page = await visitor.OpenAsync(link);
        using var file = await visitor.GetAsync(page.RequestMessage!.RequestUri!.GetLeftPart(UriPartial.Authority) + path);
        return file.IsSuccessStatusCode ? await file.Content.ReadAsStringAsync(Ct) : null;
    }
}
