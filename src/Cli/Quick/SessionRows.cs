using Berth.Cli.Output;

namespace Berth.Cli.Quick;

/// <summary>
/// Reads the rows of the list straight from the JSON of session views. In a fresh process the JSON library takes longer
/// than everything else together. A test holds it to the records.
/// </summary>
internal static class SessionRows
{
    /// <summary>Null where the JSON is not what was expected.</summary>
    public static List<SessionRow>? Read(ReadOnlySpan<byte> json)
    {
        var rows = new List<SessionRow>();
        try
        {
            var scan = new JsonScan(json);
            scan.Enter((byte)'[');
            while (scan.More((byte)']'))
            {
                var row = new SessionRow();
                ReadSession(ref scan, row);
                if (row.Name.Length == 0 || row.Status.Length == 0 || row.Url.Length == 0)
                    return null;
                rows.Add(row);
            }
            return rows;
        }
        catch (Exception e) when (e is FormatException or ArgumentOutOfRangeException)
        {
            return null;
        }
    }

    private static void ReadSession(ref JsonScan scan, SessionRow row)
    {
        scan.Enter((byte)'{');
        while (scan.More((byte)'}'))
        {
            var name = scan.Name();
            if (name.SequenceEqual("name"u8))
                row.Name = Text(ref scan) ?? "";
            else if (name.SequenceEqual("started"u8))
                row.Started = Time(ref scan) ?? throw new FormatException();
            else if (name.SequenceEqual("url"u8))
                row.Url = Text(ref scan) ?? "";
            else if (name.SequenceEqual("berth"u8))
                ReadBerth(ref scan, row);
            else
                scan.Skip();
        }
    }

    private static void ReadBerth(ref JsonScan scan, SessionRow row)
    {
        scan.Enter((byte)'{');
        while (scan.More((byte)'}'))
        {
            var name = scan.Name();
            if (name.SequenceEqual("status"u8))
                row.Status = Text(ref scan) ?? "";
            else if (name.SequenceEqual("stage"u8))
                row.Stage = Text(ref scan);
            else if (name.SequenceEqual("stage_detail"u8))
                row.StageDetail = Text(ref scan);
            else if (name.SequenceEqual("reason"u8))
                row.Reason = Text(ref scan);
            else if (name.SequenceEqual("stops_at"u8))
                row.StopsAt = Time(ref scan);
            else if (name.SequenceEqual("warning"u8))
                row.Warning = Text(ref scan);
            else
                scan.Skip();
        }
    }

    private static string? Text(ref JsonScan scan)
    {
        var bytes = scan.Text();
        return bytes.IsEmpty ? null : Ascii.Text(bytes);
    }

    /// <summary>ISO 8601 in UTC, as the server writes it: <c>2026-11-21T01:02:03.456+00:00</c>.</summary>
    private static DateTimeOffset? Time(ref JsonScan scan)
    {
        var text = scan.Text();
        if (text.IsEmpty)
            return null;
        if (text.Length < 20 || !(text[^1] == 'Z' || text[^6..].SequenceEqual("+00:00"u8)))
            throw new FormatException();
        var whole = new DateTimeOffset(
            Number(text[..4]), Number(text[5..7]), Number(text[8..10]), Number(text[11..13]), Number(text[14..16]), Number(text[17..19]), TimeSpan.Zero);
        return text[19] == '.' ? whole.AddTicks(Fraction(text[20..])) : whole;
    }

    /// <summary>Digits of a second's fraction, up to the zone, as ticks of 100 ns.</summary>
    private static int Fraction(ReadOnlySpan<byte> text)
    {
        var ticks = 0;
        var digits = 0;
        while (digits < 7 && text[digits] is >= (byte)'0' and <= (byte)'9')
            ticks = ticks * 10 + text[digits++] - '0';
        for (; digits < 7; digits++)
            ticks *= 10;
        return ticks;
    }

    private static int Number(ReadOnlySpan<byte> digits)
    {
        var number = 0;
        foreach (var digit in digits)
            number = digit is >= (byte)'0' and <= (byte)'9' ? number * 10 + digit - '0' : throw new FormatException();
        return number;
    }
}
