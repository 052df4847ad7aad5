using System.Text;

namespace Berth.Cli.Output;

/// <summary>
/// Plain columns, as wide as their widest cell, two spaces apart. On a terminal that is too narrow the columns of least
/// weight, which are the last ones, are left out; the first always stays.
/// </summary>
internal static class Table
{
    private const int Gap = 2;

    /// <param name="headers">Upper-cased here.</param>
    /// <param name="rows">As many cells each as there are headers.</param>
    /// <param name="width">Of the terminal; null: as wide as it gets.</param>
    /// <param name="colour">ANSI colour of a cell, such as <c>"32"</c>; null: plain.</param>
    /// <param name="goesOn">The headers stand above already.</param>
    public static string Render(
        string[] headers, List<string[]> rows, int? width, Func<string, string, string?>? colour = null, bool goesOn = false)
    {
        foreach (var row in rows)
        {
            for (var column = 0; column < row.Length; column++)
                row[column] = Printable(row[column]);
        }
        var widths = new int[headers.Length];
        for (var column = 0; column < widths.Length; column++)
        {
            widths[column] = headers[column].Length;
            foreach (var row in rows)
                widths[column] = Math.Max(widths[column], row[column].Length);
        }
        var shown = Shown(widths, width);

        var text = new StringBuilder();
        for (var column = 0; column < shown && !goesOn; column++)
            Cell(text, headers[column].ToUpperInvariant(), widths[column], column == shown - 1, null);
        foreach (var row in rows)
        {
            for (var column = 0; column < shown; column++)
                Cell(text, row[column], widths[column], column == shown - 1, colour?.Invoke(headers[column], row[column]));
        }
        return text.ToString();
    }

    /// <summary>Names and messages are others' words: a control character among them must not steer the terminal.</summary>
    public static string Printable(string text)
    {
        foreach (var c in text)
        {
            if (!char.IsControl(c))
                continue;
            return string.Create(text.Length, text, static (to, from) =>
            {
                for (var i = 0; i < to.Length; i++)
                    to[i] = char.IsControl(from[i]) ? ' ' : from[i];
            });
        }
        return text;
    }

    private static int Shown(int[] widths, int? width)
    {
        if (width is not { } limit)
            return widths.Length;
        var used = 0;
        for (var column = 0; column < widths.Length; column++)
        {
            used += widths[column] + (column > 0 ? Gap : 0);
            if (used > limit)
                return Math.Max(1, column);
        }
        return widths.Length;
    }

    /// <summary>Not <c>Append(' ', count)</c>, whose vector code must be compiled at run time: a fifth of the quick list's time.</summary>
    private static void Blanks(StringBuilder text, int count)
    {
        while (count-- > 0)
            text.Append(' ');
    }

    private static void Cell(StringBuilder text, string value, int width, bool last, string? colour)
    {
        if (colour is null)
            text.Append(value);
        else
            text.Append("\e[").Append(colour).Append('m').Append(value).Append("\e[0m");
        if (last)
            text.Append('\n');
        else
            Blanks(text, width - value.Length + Gap);
    }
}
