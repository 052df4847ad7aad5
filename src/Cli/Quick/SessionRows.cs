using System.Text.Json;
using Berth.Cli.Output;

namespace Berth.Cli.Quick;

/// <summary>
/// Reads the rows of the list straight from the JSON of <see cref="Contracts.Sessions.SessionView"/>s: a third of the time
/// that making the whole records takes in a fresh process. A test holds it to the records.
/// </summary>
internal static class SessionRows
{
    /// <summary>Null where the JSON is not what was expected.</summary>
    public static List<SessionRow>? Read(byte[] json)
    {
        var rows = new List<SessionRow>();
        try
        {
            var reader = new Utf8JsonReader(json);
            if (!reader.Read() || reader.TokenType != JsonTokenType.StartArray)
                return null;
            while (reader.Read() && reader.TokenType == JsonTokenType.StartObject)
            {
                var row = default(SessionRow);
                ReadObject(ref reader, ref row, inner: false);
                if (row.Name is null || row.Status is null || row.Url is null)
                    return null;
                rows.Add(row);
            }
            return reader.TokenType == JsonTokenType.EndArray ? rows : null;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException)
        {
            return null;
        }
    }

    private static void ReadObject(ref Utf8JsonReader reader, ref SessionRow row, bool inner)
    {
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var isBerth = !inner && reader.ValueTextEquals("berth"u8);
            var field = Field(ref reader, inner);
            reader.Read();
            if (isBerth && reader.TokenType == JsonTokenType.StartObject)
                ReadObject(ref reader, ref row, inner: true);
            else if (field == Wanted.None || reader.TokenType == JsonTokenType.Null)
                reader.Skip();
            else
                row = Set(row, field, ref reader);
        }
    }

    private static Wanted Field(ref Utf8JsonReader reader, bool inner)
    {
        if (!inner)
        {
            return reader.ValueTextEquals("name"u8) ? Wanted.Name
                : reader.ValueTextEquals("started"u8) ? Wanted.Started
                : reader.ValueTextEquals("url"u8) ? Wanted.Url
                : Wanted.None;
        }
        return reader.ValueTextEquals("status"u8) ? Wanted.Status
            : reader.ValueTextEquals("stage"u8) ? Wanted.Stage
            : reader.ValueTextEquals("stage_detail"u8) ? Wanted.StageDetail
            : reader.ValueTextEquals("reason"u8) ? Wanted.Reason
            : reader.ValueTextEquals("stops_at"u8) ? Wanted.StopsAt
            : Wanted.None;
    }

    private static SessionRow Set(SessionRow row, Wanted field, ref Utf8JsonReader reader) => field switch
    {
        Wanted.Name => row with { Name = reader.GetString()! },
        Wanted.Started => row with { Started = reader.GetDateTimeOffset() },
        Wanted.Url => row with { Url = reader.GetString()! },
        Wanted.Status => row with { Status = reader.GetString()! },
        Wanted.Stage => row with { Stage = reader.GetString() },
        Wanted.StageDetail => row with { StageDetail = reader.GetString() },
        Wanted.Reason => row with { Reason = reader.GetString() },
        _ => row with { StopsAt = reader.GetDateTimeOffset() },
    };

    private enum Wanted
    {
        None,
        Name,
        Started,
        Url,
        Status,
        Stage,
        StageDetail,
        Reason,
        StopsAt,
    }
}
