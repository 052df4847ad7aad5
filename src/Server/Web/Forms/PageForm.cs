using System.Globalization;
using Berth.Contracts.Problems;
using Berth.Server.Problems;
using Microsoft.AspNetCore.Antiforgery;
using Microsoft.Extensions.Primitives;

namespace Berth.Server.Web.Forms;

/// <summary>
/// What a form holds: as posted by a browser, or as filled in beforehand. Handlers of pages get what was posted only as
/// this, and binding it checks the antiforgery token: no post can forget to.
/// </summary>
public sealed class PageForm
{
    private readonly Dictionary<string, StringValues> _values;

    private PageForm(Dictionary<string, StringValues> values) => _values = values;

    /// <summary>A form to be filled in from nothing.</summary>
    public static PageForm Empty => new([]);

    /// <summary>Why it was refused, where it is shown again.</summary>
    public ProblemException? Problem { get; private init; }

    public static async ValueTask<PageForm?> BindAsync(HttpContext context)
    {
        if (!context.Request.HasFormContentType)
            throw new ProblemException(ProblemCode.Invalid, "This address takes what a form sends.");
        try
        {
            await context.RequestServices.GetRequiredService<IAntiforgery>().ValidateRequestAsync(context);
        }
        catch (AntiforgeryValidationException)
        {
            throw new ProblemException(ProblemCode.Forbidden, "This form is out of date, or cookies are switched off. Go back, load the page again and send it once more.");
        }

        var form = await context.Request.ReadFormAsync(context.RequestAborted);
        return new PageForm(form.ToDictionary(pair => pair.Key, pair => pair.Value, StringComparer.Ordinal));
    }

    /// <summary>A form filled in beforehand; nulls are left out.</summary>
    public static PageForm Of(params ReadOnlySpan<(string Name, object? Value)> values)
    {
        var all = new Dictionary<string, StringValues>(StringComparer.Ordinal);
        foreach (var (name, value) in values)
        {
            if (value is not string && value is IEnumerable<string> list)
                all[name] = list.ToArray();
            else if (value is bool flag)
                all[name] = flag ? "on" : default(StringValues);
            else if (value is not null)
                all[name] = Convert.ToString(value, CultureInfo.InvariantCulture);
        }

        return new PageForm(all);
    }

    /// <summary>The same input, to be shown again with what is wrong with it.</summary>
    public PageForm Refused(ProblemException problem) => new(_values) { Problem = problem };

    /// <summary>As typed; empty where there is nothing.</summary>
    public string Raw(string name) => _values.TryGetValue(name, out var value) ? value.ToString() : "";

    /// <summary>Trimmed; null where it is blank.</summary>
    public string? Text(string name) => Raw(name).Trim() is { Length: > 0 } text ? text : null;

    /// <summary>All values of a repeated field, as typed.</summary>
    public IReadOnlyList<string> All(string name) => _values.TryGetValue(name, out var values) ? [.. values.Select(v => v ?? "")] : [];

    /// <summary>One line each, trimmed, without blank ones.</summary>
    public IReadOnlyList<string> Lines(string name) =>
        Raw(name).Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);

    /// <summary>A checkbox.</summary>
    public bool Flag(string name) => _values.TryGetValue(name, out var value) && value.Count > 0;

    /// <summary>A whole number; null where it is blank.</summary>
    public int? Int(string name) => Text(name) switch
    {
        null => null,
        { } text when int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) => number,
        { } text => throw new ProblemException(ProblemCode.Invalid, $"'{text}' is not a whole number.", name),
    };

    /// <summary>A number; null where it is blank.</summary>
    public double? Number(string name) => Text(name) switch
    {
        null => null,
        { } text when double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && double.IsFinite(number) => number,
        { } text => throw new ProblemException(ProblemCode.Invalid, $"'{text}' is not a number.", name),
    };

    /// <summary>What is wrong with a field, or with a part of it (<c>repositories[1].url</c> is part of <c>repositories</c>).</summary>
    public string? Error(string field) => Problem?.Field is { } refused && Covers(field, refused) ? WithoutField(Problem) : null;

    // The API's sentences begin with the field's name, which the page shows as its label.
    private static string WithoutField(ProblemException problem)
    {
        var prefix = $"{problem.Field}: ";
        return problem.Message.StartsWith(prefix, StringComparison.Ordinal) && problem.Message.Length > prefix.Length
            ? char.ToUpperInvariant(problem.Message[prefix.Length]) + problem.Message[(prefix.Length + 1)..]
            : problem.Message;
    }

    private static bool Covers(string field, string refused) =>
        refused.StartsWith(field, StringComparison.Ordinal) && (refused.Length == field.Length || refused[field.Length] is '[' or '.');
}
