using System.Text.Json;
using System.Text.Json.Serialization;
using Berth.Cli.Output;

namespace Berth.Cli.Servers;

/// <summary>A server that was signed in to.</summary>
/// <param name="Url">Its address.</param>
/// <param name="Token">API token; the file is readable by its owner only.</param>
/// <param name="Username">Who it signs in, when it was last asked.</param>
/// <param name="Authorities">Certificates, in PEM form, of the authorities that it is trusted by, and no others; null: the system's.</param>
internal sealed record StoredContext(string Url, string Token, string? Username = null, string? Authorities = null);

/// <summary>What <c>contexts.json</c> holds.</summary>
/// <param name="Current">The context of commands that name none.</param>
/// <param name="Contexts">All but the local one, which needs no token.</param>
internal sealed record StoredContexts(string Current, SortedDictionary<string, StoredContext> Contexts);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, WriteIndented = true,
    RespectRequiredConstructorParameters = true, RespectNullableAnnotations = true)]
[JsonSerializable(typeof(StoredContexts))]
internal sealed partial class ContextJson : JsonSerializerContext;

/// <summary>The servers that this user knows, in the user's configuration folder.</summary>
internal sealed class ContextStore(Surroundings here)
{
    /// <summary>The server of this machine and user; always known, never stored.</summary>
    public const string Local = "local";

    private readonly string _file = FileIn(here.ConfigFolder);

    public static string FileIn(string configFolder) => Path.Combine(configFolder, "contexts.json");

    public StoredContexts Read()
    {
        try
        {
            using var file = File.OpenRead(_file);
            return JsonSerializer.Deserialize(file, ContextJson.Default.StoredContexts) ?? throw new JsonException("It is empty.");
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return new StoredContexts(Local, []);
        }
        catch (JsonException e)
        {
            throw new CliException(ExitCodes.Error, $"{_file} is damaged: {e.Message}\nDelete it and sign in again with `berth login URL`.");
        }
    }

    /// <summary>Replaces the file in one step: a reader sees the old one or the new one, never a half.</summary>
    public void Write(StoredContexts contexts) =>
        PrivateFile.Write(_file, JsonSerializer.Serialize(contexts, ContextJson.Default.StoredContexts));

    /// <summary>A context by its name or a unique beginning of it; null: the local one.</summary>
    public (string Name, StoredContext? Context) Find(string? name)
    {
        var all = Read();
        var wanted = name ?? all.Current;
        if (wanted == Local)
            return (Local, null);
        var names = all.Contexts.Keys.Append(Local).ToList();
        var found = Names.Pick(wanted, names, candidate => [candidate], "server", "berth context list");
        return (found, all.Contexts.GetValueOrDefault(found));
    }
}
