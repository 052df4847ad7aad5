using System.Buffers;
using System.Globalization;

namespace Berth.Cli.Settings;

/// <summary>Sizes and times as people type them.</summary>
internal static class Sizes
{
    private static readonly SearchValues<char> Digits = SearchValues.Create("0123456789.");

    /// <summary>Null: it is none. Powers of 1024, as container engines count.</summary>
    public static double? Gigabytes(string text)
    {
        var (number, unit) = Split(text);
        double? factor = unit.ToUpperInvariant() switch
        {
            "" or "G" or "GB" or "GI" or "GIB" => 1,
            "M" or "MB" or "MI" or "MIB" => 1.0 / 1024,
            "T" or "TB" or "TI" or "TIB" => 1024,
            _ => null,
        };
        return number * factor;
    }

    /// <summary>Null: it is none.</summary>
    public static TimeSpan? Span(string text)
    {
        var (number, unit) = Split(text);
        double? seconds = unit switch
        {
            "" or "s" => 1,
            "m" or "min" => 60,
            "h" => 3600,
            "d" => 86400,
            _ => null,
        } * number;
        return seconds is <= 366 * 86400 ? TimeSpan.FromSeconds(seconds.Value) : null;
    }

    private static (double? Number, string Unit) Split(string text)
    {
        var end = text.AsSpan().IndexOfAnyExcept(Digits);
        var digits = end < 0 ? text : text[..end];
        var valid = double.TryParse(digits, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number) && number > 0;
        return (valid ? number : null, end < 0 ? "" : text[end..].Trim());
    }
}
