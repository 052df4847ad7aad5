using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Berth.Cli.Output;

/// <summary>Writes what a command found to stdout, in the form that was asked for.</summary>
internal sealed class Results(Surroundings here, OutputFormat format, IReadOnlyList<string> chosen, bool wide, bool colours)
{
    private static readonly JsonWriterOptions Indented = new()
    {
        Indented = true,
        // For people and programs, not for HTML pages: a link keeps its ampersand.
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    public OutputFormat Format => format;

    public bool Colours => colours;

    /// <summary>
    /// Many things: a table, a JSON array, names. On a terminal the table is made to <paramref name="fit"/> its width, unless
    /// its columns were chosen. One that <paramref name="goesOn"/> has no headers again.
    /// </summary>
    public void List<T>(
        IReadOnlyList<T> items, JsonTypeInfo<List<T>> type, IReadOnlyList<Column<T>> columns, Func<T, string> name,
        Func<string, string, string?>? colour = null, bool fit = true, bool goesOn = false)
    {
        var shown = Choose(columns);
        switch (format)
        {
            case OutputFormat.Name:
                foreach (var item in items)
                    here.Out.WriteLine(name(item));
                break;
            case OutputFormat.Table when items.Count > 0:
                here.Out.Write(Table.Render(
                    [.. shown.Select(column => column.Name)], [.. items.Select(item => Cells(shown, item))],
                    fit && here.OutIsTerminal && chosen.Count == 0 && !wide ? here.Width : null, colours ? colour : null, goesOn));
                break;
            case OutputFormat.Table:
                break;
            default:
                Structured(JsonSerializer.SerializeToElement([.. items], type));
                break;
        }
    }

    /// <summary>One thing: its fields below each other, a JSON object, its name.</summary>
    public void One<T>(T item, JsonTypeInfo<T> type, IReadOnlyList<Column<T>> columns, Func<T, string> name)
    {
        switch (format)
        {
            case OutputFormat.Name:
                here.Out.WriteLine(name(item));
                break;
            case OutputFormat.Table:
                Fields(item, chosen.Count == 0 ? columns : Choose(columns), chosen.Count > 0);
                break;
            default:
                Structured(JsonSerializer.SerializeToElement(item, type));
                break;
        }
    }

    private void Fields<T>(T item, IReadOnlyList<Column<T>> columns, bool keepEmpty)
    {
        var cells = columns.Select(column => (column.Name, Value: column.Value(item)))
            .Where(cell => keepEmpty || !string.IsNullOrEmpty(cell.Value)).ToList();
        var width = cells.Count == 0 ? 0 : cells.Max(cell => cell.Name.Length);
        foreach (var (name, value) in cells)
        {
            var label = name.Replace('_', ' ');
            here.Out.WriteLine($"{char.ToUpperInvariant(label[0])}{label[1..].PadRight(width)} {Fitted(Table.Printable(value ?? "-"), width + 2)}");
        }
    }

    /// <summary>On a terminal broken between words, below where the value begins. A longer word, such as a link, stays whole.</summary>
    private string Fitted(string value, int begins)
    {
        var room = Math.Max(here.Width - begins, 20);
        if (!here.OutIsTerminal || value.Length <= room)
            return value;
        var (text, line) = (new StringBuilder(), 0);
        foreach (var word in value.Split(' '))
        {
            var breaks = line > 0 && line + 1 + word.Length > room;
            text.Append(breaks ? "\n" + new string(' ', begins) : line > 0 ? " " : "").Append(word);
            line = breaks || line == 0 ? word.Length : line + 1 + word.Length;
        }

        return text.ToString();
    }

    private void Structured(JsonElement element)
    {
        if (format == OutputFormat.Yaml)
        {
            here.Out.Write(Yaml.Write(element));
            return;
        }
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer, Indented))
            element.WriteTo(writer);
        here.Out.WriteLine(Encoding.UTF8.GetString(buffer.GetBuffer(), 0, (int)buffer.Length));
    }

    private List<Column<T>> Choose<T>(IReadOnlyList<Column<T>> columns)
    {
        if (chosen.Count == 0)
            return [.. columns.Where(column => wide || column.Default)];
        return [.. chosen.Select(name => columns.FirstOrDefault(column => column.Name == name)
            ?? throw CliException.Usage($"There is no column '{name}'. The columns are: {string.Join(", ", columns.Select(column => column.Name))}."))];
    }

    private static string[] Cells<T>(List<Column<T>> columns, T item) =>
        [.. columns.Select(column => column.Value(item) is { Length: > 0 } value ? value : "-")];
}
