using System.Text.Json.Nodes;
using Berth.Cli.Output;
using YamlDotNet.Core;

namespace Berth.Cli.Settings;

/// <summary>One file of settings: the flags' names without their dashes, and their values.</summary>
internal sealed class SettingsFile
{
    private readonly Dictionary<string, string[]> _values;

    private SettingsFile(string path, Dictionary<string, string[]> values)
    {
        Path = path;
        _values = values;
    }

    public string Path { get; }

    public IEnumerable<string> Keys => _values.Keys;

    public string[]? Values(string key) => _values.GetValueOrDefault(key);

    /// <summary>Null where there is no such file.</summary>
    public static SettingsFile? Read(string path)
    {
        string text;
        try
        {
            text = File.ReadAllText(path);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw CliException.Usage($"{path} cannot be read: {e.Message}");
        }
        return new SettingsFile(path, Parse(path, text));
    }

    private static Dictionary<string, string[]> Parse(string path, string text)
    {
        try
        {
            return Yaml.Read(text, raw: true) switch
            {
                null => [],
                JsonObject map => map.ToDictionary(entry => entry.Key, entry => Texts(path, entry.Key, entry.Value)),
                _ => throw CliException.Usage($"{path} must hold settings, one a line, such as `image: python:3.13`."),
            };
        }
        catch (YamlException e)
        {
            throw CliException.Usage($"{path}, line {e.Start.Line}: {e.Message}");
        }
    }

    /// <summary>A list is the flag given several times; a map, as of variables, is a list of KEY=VALUE.</summary>
    private static string[] Texts(string path, string key, JsonNode? node) => node switch
    {
        null => throw CliException.Usage($"{path}: '{key}' has no value."),
        JsonArray list => [.. list.Select(item => Single(path, key, item))],
        JsonObject map => [.. map.Select(entry => $"{entry.Key}={Single(path, key, entry.Value)}")],
        _ => [Single(path, key, node)],
    };

    private static string Single(string path, string key, JsonNode? node) => node is JsonValue value
        ? value.GetValue<string>()
        : throw CliException.Usage($"{path}: '{key}' is nested too deeply, or one of its values is missing.");
}
