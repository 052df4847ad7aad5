using System.Text.Json.Nodes;
using Berth.Cli.Output;
using Berth.Cli.Settings;
using YamlDotNet.Core;

namespace Berth.Cli.Commands.Resources;

/// <summary>A thing described in a file, as the API takes it. JSON is read as YAML, of which it is a part.</summary>
internal static class ResourceFile
{
    public static Flag<string?> Flag() => new("--file", "JSON or YAML as the API takes it; flags go before it; - is stdin", "-f")
    {
        HelpName = "FILE",
        Personal = true,
    };

    public static JsonObject Read(Surroundings here, string path)
    {
        var text = path == "-" ? here.In.ReadToEnd() : ReadFile(here, path);
        try
        {
            return Yaml.Read(text) as JsonObject ?? throw CliException.Usage($"{path} must hold one thing with its fields, as the API takes it.");
        }
        catch (YamlException e)
        {
            throw CliException.Usage($"{path}, line {e.Start.Line}: {e.Message}");
        }
    }

    private static string ReadFile(Surroundings here, string path)
    {
        try
        {
            return File.ReadAllText(Path.GetFullPath(path, here.WorkingFolder));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw CliException.Usage($"--file {path} cannot be read: {e.Message}");
        }
    }
}
