using Berth.Fakes;

namespace Berth.EndToEnd.Tests.House;

/// <summary>An image of next to nothing: a static busybox, and a user with a name. Its sessions are ready in a moment.</summary>
internal sealed class SmallImage : IAsyncDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("berth-small-");
    private readonly List<string> _names = [];

    /// <summary>Such as <c>berth-test-0a1b2c3d/small:1</c>.</summary>
    public string Name { get; } = $"berth-test-{Guid.NewGuid().ToString("N")[..8]}/small:1";

    /// <summary>Answers HTTP on port 8000 from the workspace.</summary>
    public static IReadOnlyList<string> WebServer { get; } = ["/bin/busybox", "httpd", "-f", "-p", "8000", "-h", "/work"];

    /// <param name="withShell">Whether there is a <c>sh</c>.</param>
    /// <param name="user">Whom it begins as; it knows root and jane.</param>
    public static async Task<SmallImage> MakeAsync(bool withShell = true, string user = "jane")
    {
        var image = new SmallImage();
        var root = image._folder.CreateSubdirectory("root");
        foreach (var folder in (string[])["bin", "etc", "tmp", "work"])
            root.CreateSubdirectory(folder);
        var busybox = await DebianProgram.FindAsync("busybox", "busybox-static", image._folder.FullName);
        File.Copy(busybox, Path.Combine(root.FullName, "bin/busybox"));
        if (withShell)
            File.CreateSymbolicLink(Path.Combine(root.FullName, "bin/sh"), "busybox");
        await File.WriteAllTextAsync(Path.Combine(root.FullName, "etc/passwd"), "root:x:0:0::/:/bin/sh\njane:x:1234:1235::/work:/bin/sh\n");
        var tar = Path.Combine(image._folder.FullName, "image.tar");
        await Ran.WellAsync("tar", "--owner=0", "--group=0", "-cf", tar, "-C", root.FullName, ".");
        await Ran.WellAsync("docker", "import", "--change", $"USER {user}", tar, image.Name);
        image._names.Add(image.Name);
        return image;
    }

    /// <summary>Puts it into a registry, and not into the engine.</summary>
    public async Task<string> PushAsync(string registry)
    {
        var name = $"{registry}/small:1";
        await Ran.WellAsync("docker", "tag", Name, name);
        await Ran.WellAsync("docker", "push", "--quiet", name);
        _names.Add(name);
        return name;
    }

    /// <summary>As if it had never been fetched.</summary>
    public static Task ForgetAsync(string name) => Ran.ToEndAsync("docker", ["rmi", "--force", name]);

    public async ValueTask DisposeAsync()
    {
        foreach (var name in _names)
            await Ran.ToEndAsync("docker", ["rmi", "--force", name]);
        _folder.Delete(recursive: true);
    }
}
