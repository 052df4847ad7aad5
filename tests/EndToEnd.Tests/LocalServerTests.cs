using Berth.EndToEnd.Tests.House;

namespace Berth.EndToEnd.Tests;

/// <summary>With no server configured the command starts the local one by itself.</summary>
public sealed class LocalServerTests
{
    [Fact]
    public async Task Starts_the_server_says_so_and_stops_it_again()
    {
        var folder = Directory.CreateTempSubdirectory("berth-").FullName;
        var variables = Variables(folder);

        var list = await Ran.ToEndAsync(Published.Command, ["session", "list", "-o", "json"], variables);
        Assert.True(list.Code == 0, list.Error);
        Assert.Equal("[]", list.Line);
        Assert.Contains("Starting the local Berth server", list.Error, StringComparison.Ordinal);

        var second = await Ran.ToEndAsync(Published.Command, ["session", "list", "-o", "json"], variables);
        Assert.Equal((0, "[]", ""), (second.Code, second.Line, second.Error));

        var stop = await Ran.ToEndAsync(Published.Command, ["server", "stop"], variables);
        Assert.True(stop.Code == 0, stop.Error);
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public async Task Backs_its_database_up_while_it_runs_and_restores_it()
    {
        var folder = Directory.CreateTempSubdirectory("berth-").FullName;
        var variables = Variables(folder);
        var file = Path.Combine(folder, "saved.db");
        await BerthAsync(0, "project", "create", "soil");

        var backup = await BerthAsync(0, "server", "backup", file);
        Assert.Contains($"The database is in {file}", backup.Error, StringComparison.Ordinal);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
        Assert.Contains("is there already", (await BerthAsync(5, "server", "backup", file)).Error, StringComparison.Ordinal);
        await BerthAsync(0, "project", "create", "later");

        Assert.Contains("The server runs. Stop it first", (await BerthAsync(5, "server", "restore", file, "-y")).Error, StringComparison.Ordinal);
        await BerthAsync(0, "server", "stop");
        Assert.Contains("say so with -y", (await BerthAsync(2, "server", "restore", file)).Error, StringComparison.Ordinal);
        Assert.Contains("is kept as", (await BerthAsync(0, "server", "restore", file, "-y")).Out, StringComparison.Ordinal);

        var projects = await BerthAsync(0, "project", "list", "-o", "name");
        Assert.Contains("soil", projects.Out, StringComparison.Ordinal);
        Assert.DoesNotContain("later", projects.Out, StringComparison.Ordinal);
        await BerthAsync(0, "server", "stop");
        Directory.Delete(folder, recursive: true);

        async Task<Ran> BerthAsync(int code, params string[] arguments)
        {
            var ran = await Ran.ToEndAsync(Published.Command, arguments, variables);
            Assert.True(ran.Code == code, $"{string.Join(' ', arguments)} ended with {ran.Code}: {ran.Out}{ran.Error}");
            return ran;
        }
    }

    private static Dictionary<string, string?> Variables(string folder) => new()
    {
        ["BERTH_DATA"] = folder,
        ["BERTH_SERVER_PORT"] = $"{RunningServer.FreePort()}",
        ["HOME"] = folder,
        ["XDG_CONFIG_HOME"] = null,
    };
}
