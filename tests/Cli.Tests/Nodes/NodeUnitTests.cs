using System.Diagnostics;
using Berth.Cli.Commands.Nodes;

namespace Berth.Cli.Tests.Nodes;

/// <summary>What `berth node join --service` installs, held to by systemd's own check.</summary>
public sealed class NodeUnitTests : IDisposable
{
    private const string Analyze = "/usr/bin/systemd-analyze";
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("berth-unit-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Theory]
    [InlineData(true, false)]
    [InlineData(false, false)]
    [InlineData(false, true)]
    public async Task Systemd_finds_nothing_wrong_with_the_unit(bool ofSystem, bool processes)
    {
        Assert.SkipUnless(File.Exists(Analyze), "Needs systemd-analyze.");
        var said = await SaidAsync(Unit("berth-node", ofSystem, processes));
        Assert.DoesNotContain("berth-node", said, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Systemd_would_say_what_is_wrong()
    {
        Assert.SkipUnless(File.Exists(Analyze), "Needs systemd-analyze.");
        var said = await SaidAsync(Unit("berth-node", ofSystem: true) with { Program = "/no/such program" });
        Assert.Contains("Command /no/such program is not executable", said, StringComparison.Ordinal);
    }

    [Fact]
    public void Each_data_folder_has_a_service_of_its_own()
    {
        Assert.Equal("berth-node.service", Unit("berth-node").Name);
        Assert.Equal("berth-node-second-lab.service", Unit("second lab").Name);
    }

    [Fact]
    public void Variables_of_proxies_are_in_a_file_and_not_in_the_unit_that_everybody_can_read()
    {
        var unit = Unit("berth-node");
        var variables = new Dictionary<string, string> { ["HTTPS_PROXY"] = "http://me:p\"$w@proxy:3128", ["PATH"] = "/mine", ["HOME"] = "/home/me" };
        Assert.Equal("HTTPS_PROXY=\"http://me:p\\\"\\$w@proxy:3128\"\n", unit.Variables(variables.GetValueOrDefault));
        Assert.DoesNotContain("proxy", unit.Text, StringComparison.Ordinal);
        Assert.Contains($"EnvironmentFile=-{unit.VariablesFile}\n", unit.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void Sessions_that_are_processes_find_the_programs_that_their_users_shell_finds()
    {
        var unit = Unit("berth-node", processes: true);
        Assert.Equal("PATH=\"/home/me/.local/bin:/usr/bin\"\n", unit.Variables(name => name == "PATH" ? "/home/me/.local/bin:/usr/bin" : null));
        Assert.DoesNotContain("NoNewPrivileges", unit.Text, StringComparison.Ordinal); // bubblewrap may need it, and sessions be told to
    }

    private NodeUnit Unit(string folder, bool ofSystem = true, bool processes = false) =>
        new("/bin/true", Path.Combine(_folder.FullName, folder), processes, ofSystem);

    private async Task<string> SaidAsync(NodeUnit unit)
    {
        var file = Path.Combine(_folder.FullName, unit.Name);
        await File.WriteAllTextAsync(file, unit.Text, TestContext.Current.CancellationToken);
        var start = new ProcessStartInfo(Analyze, [.. unit.OfSystem ? (string[])[] : ["--user"], "verify", "--man=no", file]) { RedirectStandardError = true, UseShellExecute = false };
        // Of nobody's own manager: on machines without systemd there is none.
        start.Environment["XDG_RUNTIME_DIR"] = _folder.FullName;
        using var process = Process.Start(start)!;
        var said = await process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        return said;
    }
}
