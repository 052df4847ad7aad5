using System.Text.Json;
using System.Text.Json.Serialization;
using Berth.Cli.Servers;

namespace Berth.Cli.Commands.Sessions;

/// <summary>What was answered in the wizard, as the next time's defaults. One of the first three is set.</summary>
internal sealed record WizardAnswers(
    string? LauncherId = null, string? EnvironmentId = null, string? Image = null, int? ClassId = null, string? Repository = null);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, WriteIndented = true)]
[JsonSerializable(typeof(Dictionary<string, WizardAnswers>))]
internal sealed partial class ChoicesJson : JsonSerializerContext;

/// <summary>The last answers, for each server. They may be lost: a file that cannot be read is as good as none.</summary>
internal sealed class LastChoices(Surroundings here)
{
    private readonly string _file = Path.Combine(here.StateFolder, "last-start.json");

    public WizardAnswers Of(string context) => Read().GetValueOrDefault(context) ?? new WizardAnswers();

    public void Keep(string context, WizardAnswers answers)
    {
        var all = Read();
        all[context] = answers;
        try
        {
            PrivateFile.Write(_file, JsonSerializer.Serialize(all, ChoicesJson.Default.DictionaryStringWizardAnswers));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // A home folder that cannot be written to must not stop a session.
        }
    }

    private Dictionary<string, WizardAnswers> Read()
    {
        try
        {
            return JsonSerializer.Deserialize(File.ReadAllText(_file), ChoicesJson.Default.DictionaryStringWizardAnswers) ?? [];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException)
        {
            return [];
        }
    }
}
