using Berth.EndToEnd.Tests.House;

namespace Berth.EndToEnd.Tests;

/// <summary>With no server configured the command starts the local one by itself.</summary>
public sealed class LocalServerTests
{
    [Fact]
    public async Task Starts_the_server_says_so_and_stops_it_again()
    {
        var folder = Directory.CreateTempSubdirectory("berth-").FullName;
        var variables = new Dictionary<string, string?>
        {
            ["BERTH_DATA"] = folder,
            ["BERTH_SERVER_PORT"] = $"{RunningServer.FreePort()}",
            ["HOME"] = folder,
            ["XDG_CONFIG_HOME"] = null,
        };

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
}
