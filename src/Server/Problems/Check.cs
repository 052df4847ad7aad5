using System.Diagnostics.CodeAnalysis;
using Berth.Contracts.Problems;

namespace Berth.Server.Problems;

/// <summary>Checks of single fields. Each returns what was checked, or refuses it naming the field and what is allowed.</summary>
public static class Check
{
    /// <summary>A name: 1–99 characters on one line, without space around.</summary>
    public static string Name(string? value, string field, int shortest = 1, int longest = 99)
    {
        var name = (value ?? "").Trim();
        if (name.Length < shortest || name.Length > longest)
            throw Invalid(field, $"must have {shortest} to {longest} characters; it has {name.Length}");
        if (name.Any(char.IsControl))
            throw Invalid(field, "must be one line without control characters");
        return name;
    }

    /// <summary>Text that may be left out.</summary>
    public static string? Text(string? value, string field, int longest = 500)
    {
        if (string.IsNullOrWhiteSpace(value))
            return null;
        if (value.Length > longest)
            throw Invalid(field, $"must have at most {longest} characters; it has {value.Length}");
        if (value.Any(c => char.IsControl(c) && c is not ('\n' or '\r' or '\t')))
            throw Invalid(field, "must not contain control characters but line breaks and tabs");
        return value;
    }

    public static int Range(int value, int least, int most, string field) =>
        value >= least && value <= most ? value : throw Invalid(field, $"must be from {least} to {most}; it is {value}");

    public static int? Range(int? value, int least, int most, string field) => value is { } given ? Range(given, least, most, field) : null;

    /// <summary>One of a few words.</summary>
    public static string OneOf(string? value, string field, params ReadOnlySpan<string> allowed)
    {
        foreach (var word in allowed)
        {
            if (word == value)
                return word;
        }

        throw Invalid(field, $"must be one of {string.Join(", ", allowed!)}; it is '{value}'");
    }

    /// <summary>An absolute path inside a session.</summary>
    public static string? AbsolutePath(string? value, string field)
    {
        if (string.IsNullOrWhiteSpace(value))
            return null;
        if (value[0] != '/' || value.Length > 500 || value.Any(char.IsControl) || value.Split('/').Contains(".."))
            throw Invalid(field, $"must be an absolute path such as /work; it is '{value}'");
        return value;
    }

    public static int Count<T>(IReadOnlyCollection<T>? list, int most, string field) =>
        (list?.Count ?? 0) <= most ? list?.Count ?? 0 : throw Invalid(field, $"must have at most {most} entries; it has {list!.Count}");

    [DoesNotReturn]
    public static void Refuse(string field, string rule) => throw Invalid(field, rule);

    /// <summary>The refusal of a field; the rule goes on from the field's name, as in "must be …".</summary>
    public static ProblemException Invalid(string field, string rule) => new(ProblemCode.Invalid, $"{field}: {rule}.", field);
}
