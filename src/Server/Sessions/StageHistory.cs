using System.Text.Json.Serialization;
using Berth.Contracts.Sessions;
using Berth.Core.Sessions;

namespace Berth.Server.Sessions;

/// <summary>Keeps the stages of a start with their times.</summary>
public static class StageHistory
{
    /// <summary>The history after a session went from one state to the next.</summary>
    public static IReadOnlyList<StageEntry> Advance(IReadOnlyList<StageEntry> history, Session before, Session after, DateTimeOffset now)
    {
        var list = before.Generation == after.Generation ? history.ToList() : [];
        var open = list.Count > 0 && list[^1].EndedAt is null ? list[^1] : null;
        if (after.Stage is not { } stage)
        {
            if (open is not null)
                list[^1] = open with { EndedAt = now };
            return list;
        }

        if (open?.Stage == stage)
        {
            list[^1] = open with { Detail = after.StageDetail ?? open.Detail };
            return list;
        }

        if (open is not null)
            list[^1] = open with { EndedAt = now };
        list.Add(new StageEntry(stage, list.Count == 0 ? after.GenerationSince : now, null, after.StageDetail));
        return list;
    }

    /// <summary>Whether a failure ended a stage; a session that has run fails after all of them. Times are kept to the millisecond.</summary>
    public static bool FailedIn(StageView stage, DateTimeOffset? failedAt)
    {
        ArgumentNullException.ThrowIfNull(stage);
        return failedAt is { } failed && (stage.EndedAt is not { } end || end.AddMilliseconds(1) > failed);
    }
}

/// <summary>JSON of the columns that hold lists.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, UseStringEnumConverter = true)]
[JsonSerializable(typeof(IReadOnlyList<StageEntry>))]
[JsonSerializable(typeof(IReadOnlyList<string>))]
public sealed partial class SessionsJson : JsonSerializerContext;
