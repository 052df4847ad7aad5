using Berth.Core.Ids;
using Berth.Core.Sessions;

namespace Berth.Providers.Nodes;

/// <summary>What of a node's answers is taken: what it says is stored, shown and acted on, and it is not trusted.</summary>
internal static class NodeAnswers
{
    /// <summary>Characters of a sentence, a state, a name.</summary>
    private const int LongestText = 500;

    /// <summary>Characters of the last lines that a session said.</summary>
    private const int LongestLastWords = 4096;

    private const int MostPlatforms = 20;

    /// <summary>An answer within bounds; null: it can be none.</summary>
    public static NodeAnswer? Bounded(NodeAnswer answer) => answer switch
    {
        NodeAnswer.Found(var finding) => new NodeAnswer.Found(finding with
        {
            Message = Short(finding.Message),
            Platforms = [.. finding.Platforms.Take(MostPlatforms).Select(p => Short(p)!)],
        }),
        NodeAnswer.Progress(var report) => Enum.IsDefined(report.Stage) ? new NodeAnswer.Progress(report with { Detail = Short(report.Detail) }) : null,
        NodeAnswer.Seen(var seen) => !IsKey(seen.Key) || !Enum.IsDefined(seen.State) ? null : new NodeAnswer.Seen(seen with
        {
            Words = Short(seen.Words) ?? "",
            LastWords = seen.LastWords is { Length: > LongestLastWords } last ? last[^LongestLastWords..] : seen.LastWords,
        }),
        NodeAnswer.Changed(var key) => IsKey(key) ? answer : null,
        NodeAnswer.Kept(var kept) => !Ulid.IsValid(kept.Id) ? null : new NodeAnswer.Kept(kept with { OwnerId = Short(kept.OwnerId), SessionName = Short(kept.SessionName) }),
        NodeAnswer.Failed(var reason, var detail) => new NodeAnswer.Failed(reason, Short(detail) ?? ""),
        _ => answer,
    };

    private static bool IsKey(SessionKey key) => key.Generation > 0 && Ulid.IsValid(key.SessionId);

    private static string? Short(string? text) => text is { Length: > LongestText } ? text[..LongestText] : text;
}
