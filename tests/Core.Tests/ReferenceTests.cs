using System.Xml.Linq;

namespace Berth.Core.Tests;

/// <summary>References between projects point one way; this is the whole list.</summary>
public sealed class ReferenceTests
{
    private static readonly Dictionary<string, string[]> Allowed = new()
    {
        ["Contracts"] = [],
        ["Core"] = [],
        ["Tunnel"] = ["Contracts"],
        ["Files"] = [],
        ["SessionFolders"] = ["Core"],
        ["Docker"] = ["Core", "SessionFolders"],
        ["Nodes"] = ["Contracts", "Core", "Tunnel"],
        ["Processes"] = ["Contracts", "Core", "SessionFolders"],
        ["Server"] = ["Contracts", "Core", "Tunnel", "Docker", "Nodes"],
        ["Cli"] = ["Contracts", "Files", "Tunnel"],
        ["Agent"] = ["Contracts", "Core", "Files", "Tunnel"],
        ["Node"] = ["Contracts", "Core", "Tunnel", "Docker", "Nodes", "Processes"],
    };

    [Fact]
    public void ProjectsReferOnlyToWhatTheHouseAllows()
    {
        var projects = Directory.EnumerateFiles(Path.Combine(Root(), "src"), "*.csproj", SearchOption.AllDirectories).ToList();
        Assert.Equal(Allowed.Keys.Order(), projects.Select(p => Path.GetFileNameWithoutExtension(p)).Order());
        Assert.All(projects, project =>
        {
            var name = Path.GetFileNameWithoutExtension(project);
            var references = XDocument.Load(project).Descendants("ProjectReference")
                .Select(r => Path.GetFileNameWithoutExtension(r.Attribute("Include")!.Value.Replace('\\', '/')));
            Assert.Empty(references.Except(Allowed[name]));
        });
    }

    private static string Root()
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "Berth.slnx")))
            folder = Path.GetDirectoryName(folder) ?? throw new InvalidOperationException("The tests do not run inside the repository.");
        return folder;
    }
}
