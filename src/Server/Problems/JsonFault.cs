using System.Text.Json;
using System.Text.RegularExpressions;

namespace Berth.Server.Problems;

/// <summary>Says in plain words what is wrong with a JSON body: which field, and what is allowed there.</summary>
internal static partial class JsonFault
{
    /// <summary>The field's path, such as <c>classes[0].cpu</c> (null: the body as a whole), and a sentence.</summary>
    public static (string? Field, string Message) Explain(JsonException e)
    {
        var path = PathOf(e.Path);
        // The messages are the framework's; the words in them that name .NET types are not for users.
        if (Missing().Match(e.Message) is { Success: true } missing)
        {
            var names = QuotedName().Matches(missing.Groups[1].Value).Select(m => m.Groups[1].Value).ToList();
            var first = Join(path, names[0]);
            return (first, names.Count == 1
                ? $"{first}: is required."
                : $"{first}: is required; so {(names.Count == 2 ? "is" : "are")} {string.Join(", ", names.Skip(1).Select(n => Join(path, n)))}.");
        }

        if (Unknown().Match(e.Message) is { Success: true } unknown)
        {
            var field = Named(path, unknown.Groups[1].Value);
            return (field, $"{field}: there is no such field.");
        }

        if (NotNull().IsMatch(e.Message))
        {
            var field = path ?? "body";
            return (path, $"{field}: must not be null.");
        }

        if (Duplicate().Match(e.Message) is { Success: true } twice)
        {
            var field = Named(path, twice.Groups[1].Value);
            return (field, $"{field}: is there more than once.");
        }

        if (e.InnerException is InvalidOperationException or FormatException && ScalarWords(e.InnerException.Message) is { } scalar)
            return (path, $"{path ?? "body"}: must be {scalar}.");
        if (WrongType().Match(e.Message) is { Success: true } wrong)
            return (path, $"{path ?? "body"}: must be {Words(wrong.Groups[1].Value)}.");
        return (null, $"The body is not valid JSON (line {(e.LineNumber ?? 0) + 1}, character {(e.BytePositionInLine ?? 0) + 1}).");
    }

    /// <summary>A surrogate without its other half, which JSON can write and no text can hold: found when the text is read, after the JSON.</summary>
    public static bool IsHalfCharacter(InvalidOperationException e) => e.Message.Contains("UTF-16 JSON text", StringComparison.Ordinal);

    private static string? PathOf(string? path) => path switch
    {
        null or "" or "$" => null,
        _ when path.StartsWith("$.", StringComparison.Ordinal) => path[2..],
        _ => path.TrimStart('$'),
    };

    private static string Join(string? path, string name) => path is null ? name : $"{path}.{name}";

    /// <summary>The path of a field that a message names: the path given may already end in it.</summary>
    private static string Named(string? path, string name) =>
        path is not null && (path == name || path.EndsWith("." + name, StringComparison.Ordinal)) ? path : Join(path, name);

    private static string? ScalarWords(string message) => message switch
    {
        _ when message.EndsWith("as a string.", StringComparison.Ordinal) => "a text",
        _ when message.EndsWith("as a boolean.", StringComparison.Ordinal) => "true or false",
        _ when message.Contains("Int32", StringComparison.Ordinal) || message.Contains("Int64", StringComparison.Ordinal) => "a whole number, and not a huge one",
        _ when message.EndsWith("as a number.", StringComparison.Ordinal) || message.Contains("Double", StringComparison.Ordinal) => "a number",
        _ => null,
    };

    private static string Words(string type) => type switch
    {
        _ when type.Contains("IReadOnlyDictionary", StringComparison.Ordinal) => "an object of names and texts",
        _ when type.Contains("List", StringComparison.Ordinal) => "a list",
        _ when type.Contains("DateTime", StringComparison.Ordinal) => "a time such as 2030-01-31T12:00:00Z",
        _ => "an object",
    };

    [GeneratedRegex("missing required properties including: (.+)$")]
    private static partial Regex Missing();

    [GeneratedRegex("'([^']+)'")]
    private static partial Regex QuotedName();

    [GeneratedRegex("^The JSON property '([^']+)' could not be mapped")]
    private static partial Regex Unknown();

    [GeneratedRegex("doesn't allow null values|not allow null")]
    private static partial Regex NotNull();

    [GeneratedRegex("^Duplicate property '([^']+)'")]
    private static partial Regex Duplicate();

    [GeneratedRegex("could not be converted to ([^ ]+?)\\.? ?(?:Path:|$)")]
    private static partial Regex WrongType();
}
