using Berth.EndToEnd.Tests.House;

namespace Berth.EndToEnd.Tests;

/// <summary>The main job by the command, as it is published.</summary>
public sealed class CommandTests(RunningServer server) : IClassFixture<RunningServer>
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task From_start_to_stop_with_data_on_stdout_and_words_on_stderr()
    {
        var start = await server.BerthAsync("session", "start", "--name", "notes", "-y");
        Assert.True(start.Code == 0, start.Error);
        Assert.Matches($"^http://localhost:{server.Port}/sign-in/link\\?code=[^&]+&next=%2Fsessions%2F[0-9A-Z]{{26}}%2Fopen$", start.Line);
        Assert.Contains("Session 'notes' is ready after", start.Error, StringComparison.Ordinal);
        Assert.Contains("berth session stop notes", start.Error, StringComparison.Ordinal);

        Assert.Equal("notes", (await server.BerthAsync("session", "list", "-o", "name")).Line);
        Assert.Contains("running", (await server.BerthAsync("session", "list")).Out, StringComparison.Ordinal);
        Assert.Contains("\"status\": \"running\"", (await server.BerthAsync("session", "show", "notes", "-o", "json")).Out, StringComparison.Ordinal);
        Assert.Contains("Jupyter Server", (await server.BerthAsync("session", "logs", "notes")).Out, StringComparison.Ordinal);
        Assert.Equal("", (await server.BerthAsync("session", "open", "--print")).Error);

        // The link signs in, and leads to JupyterLab.
        using (var visitor = new Visitor(server.Port))
        {
            using var lab = await visitor.OpenAsync(start.Line);
            Assert.Contains("JupyterLab", await lab.Content.ReadAsStringAsync(Ct), StringComparison.Ordinal);
            var origin = lab.RequestMessage!.RequestUri!.GetLeftPart(UriPartial.Authority);
            await (await Kernel.StartAsync(visitor, origin)).RunAsync("open('/work/kept', 'w').write('kept')");

            var pause = await server.BerthAsync("session", "pause", "notes");
            Assert.True(pause.Code == 0, pause.Error);
            Assert.Equal("", pause.Out);
            Assert.Equal("paused", (await server.Api.GetSessionAsync("notes", Ct)).Berth.Status);
            Assert.Empty(await Engine.ContainersAsync(server.Installation));

            var resume = await server.BerthAsync("session", "resume", "notes");
            Assert.True(resume.Code == 0, resume.Error);
            await visitor.OpenAsync(resume.Line);
            Assert.Equal("kept", await (await Kernel.StartAsync(visitor, origin)).RunAsync("print(open('/work/kept').read())"));
        }

        var stop = await server.BerthAsync("session", "stop", "notes", "--delete-work", "-y");
        Assert.True(stop.Code == 0, stop.Error);
        Assert.Equal("", stop.Out);
        Assert.Empty(await Engine.ContainersAsync(server.Installation));
        Assert.Empty(await Engine.VolumesAsync(server.Installation));
        Assert.Equal("[]", (await server.BerthAsync("session", "list", "-o", "json")).Line);
    }

    [Theory]
    [InlineData(2, "session", "start", "--image", "a", "--environment", "b")]
    [InlineData(2, "session", "start", "--port", "0")]
    [InlineData(2, "session", "nonsense")]
    [InlineData(4, "session", "show", "nobody")]
    [InlineData(4, "session", "stop", "nobody")]
    [InlineData(4, "session", "start", "--launcher", "nothing")]
    public async Task Says_what_is_wrong_on_stderr_and_by_its_exit_code(int code, params string[] arguments)
    {
        var ran = await server.BerthAsync(arguments);
        Assert.True(ran.Code == code, $"{ran.Code}: {ran.Error}");
        Assert.Equal("", ran.Out);
        Assert.NotEqual("", ran.Error);
    }
}
