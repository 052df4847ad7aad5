using Berth.Providers.Docker;
using Berth.Server.Options;

namespace Berth.Server.Tests.Agents;

public sealed class AgentBundleTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("berth-bundle-");

    private ServerOptions Options => new() { DataFolder = Path.Combine(_folder.FullName, "data"), AgentFolder = Path.Combine(_folder.FullName, "agent") };

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public void AnUpgradeLeavesTheFilesOfRunningSessionsInPlace()
    {
        Publish("old");
        var first = AgentBundle.Keep(Options.AgentFolder, Options.DataFolder, TimeProvider.System);
        Assert.Equal(first, AgentBundle.Keep(Options.AgentFolder, Options.DataFolder, TimeProvider.System));

        Directory.Delete(Options.AgentFolder, recursive: true);
        Publish("newer");
        var second = AgentBundle.Keep(Options.AgentFolder, Options.DataFolder, TimeProvider.System);

        Assert.Equal("old", File.ReadAllText(Path.Combine(first, "lib/file")));
        Assert.Equal("newer", File.ReadAllText(Path.Combine(second, "lib/file")));
        Assert.True(File.GetUnixFileMode(Path.Combine(second, "lib")).HasFlag(UnixFileMode.OtherExecute));
    }

    [Fact]
    public void OldOnesAreRemovedInTheEnd()
    {
        for (var version = 0; version < 6; version++)
        {
            Publish(new string('x', version));
            AgentBundle.Keep(Options.AgentFolder, Options.DataFolder, TimeProvider.System);
        }
        Assert.Equal(3, Directory.GetDirectories(Path.Combine(Options.DataFolder, "agents")).Length);
    }

    [Fact]
    public void AMissingAgentIsLeftForTheProviderToTell() => Assert.Equal(Options.AgentFolder, AgentBundle.Keep(Options.AgentFolder, Options.DataFolder, TimeProvider.System));

    private void Publish(string content)
    {
        Directory.CreateDirectory(Path.Combine(Options.AgentFolder, "lib"));
        File.WriteAllText(Path.Combine(Options.AgentFolder, "lib/file"), content);
        File.WriteAllText(Path.Combine(Options.AgentFolder, "berth-agent"), "");
    }
}
