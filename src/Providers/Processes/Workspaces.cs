using System.Text.Json;
using Berth.Core.Providers;

namespace Berth.Providers.Processes;

/// <summary>Workspaces as folders, each with a file beside it that says whose it is.</summary>
internal sealed class Workspaces(string folder, TimeProvider time)
{
    private const string Labels = ".json";
    private const UnixFileMode Closed = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    private static readonly EnumerationOptions s_everything = new() { RecurseSubdirectories = true, IgnoreInaccessible = true, AttributesToSkip = FileAttributes.ReparsePoint };

    /// <summary>Makes it where it is not there yet.</summary>
    public string Ensure(StartOrder order)
    {
        var path = PathOf(order.Workspace);
        Directory.CreateDirectory(folder, Closed);
        if (!Directory.Exists(path))
        {
            var labels = order.Labels;
            var kept = new KeptWorkspace(order.Workspace, time.GetUtcNow(), labels.GetValueOrDefault(StartOrder.OwnerLabel), labels.GetValueOrDefault(StartOrder.NameLabel));
            File.WriteAllText(path + Labels, JsonSerializer.Serialize(kept, ProcessJson.Default.KeptWorkspace));
            Directory.CreateDirectory(path, Closed);
        }

        return path;
    }

    /// <summary>Deletes it; one that is not there is deleted.</summary>
    public void Delete(string id)
    {
        if (!Directory.Exists(folder))
            return;
        var path = PathOf(id);
        if (Directory.Exists(path))
        {
            // Folders that their owner may not write keep what is in them: package managers make such.
            foreach (var inner in Directory.EnumerateDirectories(path, "*", s_everything).Prepend(path))
                File.SetUnixFileMode(inner, Closed);
            Directory.Delete(path, recursive: true);
        }

        File.Delete(path + Labels);
    }

    /// <summary>Bytes of each, by its id.</summary>
    public IReadOnlyDictionary<string, long> Measure() => Ids().ToDictionary(
        id => id, id => new DirectoryInfo(PathOf(id)).EnumerateFiles("*", s_everything).Sum(file => file.Length));

    /// <summary>All of them.</summary>
    public IReadOnlyList<KeptWorkspace> List() => [.. Ids().Select(Read)];

    private KeptWorkspace Read(string id)
    {
        try
        {
            return JsonSerializer.Deserialize(File.ReadAllText(PathOf(id) + Labels), ProcessJson.Default.KeptWorkspace) ?? new KeptWorkspace(id);
        }
        catch (Exception e) when (e is IOException or JsonException)
        {
            return new KeptWorkspace(id);
        }
    }

    private IEnumerable<string> Ids() => Directory.Exists(folder) ? Directory.EnumerateDirectories(folder).Select(path => Path.GetFileName(path).ToUpperInvariant()) : [];

    private string PathOf(string id) => Path.Combine(folder, id.ToLowerInvariant());
}
