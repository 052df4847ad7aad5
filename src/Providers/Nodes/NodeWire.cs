using System.Text.Json.Serialization;
using Berth.Core.Providers;
using Berth.Core.Sessions;

namespace Berth.Providers.Nodes;

// What crosses a stream between server and node: one call of the provider contract each, as lines of JSON. The server
// writes the call, the node its answers, the last of which is Done or Failed. Whoever closes the stream before that has
// given the call up. Either end may be newer: fields that are not known are skipped.

/// <summary>One call of the provider contract.</summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "call")]
[JsonDerivedType(typeof(FindImage), "find_image")]
[JsonDerivedType(typeof(Start), "start")]
[JsonDerivedType(typeof(Observe), "observe")]
[JsonDerivedType(typeof(Stop), "stop")]
[JsonDerivedType(typeof(Watch), "watch")]
[JsonDerivedType(typeof(Measure), "measure")]
[JsonDerivedType(typeof(ListWorkspaces), "list_workspaces")]
internal abstract record NodeCall
{
    public sealed record FindImage(ImageQuery Query) : NodeCall;

    public sealed record Start(StartOrder Order) : NodeCall;

    public sealed record Observe : NodeCall;

    /// <param name="Key">Which start.</param>
    /// <param name="Deletes">The workspace goes, too.</param>
    /// <param name="Workspace">Id of the workspace that goes; null: the session's own.</param>
    public sealed record Stop(SessionKey Key, bool Deletes, string? Workspace) : NodeCall;

    public sealed record Watch : NodeCall;

    public sealed record Measure : NodeCall;

    public sealed record ListWorkspaces : NodeCall;
}

/// <summary>One line of the answer to a call.</summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "answer")]
[JsonDerivedType(typeof(Found), "found")]
[JsonDerivedType(typeof(Progress), "progress")]
[JsonDerivedType(typeof(Seen), "seen")]
[JsonDerivedType(typeof(Changed), "changed")]
[JsonDerivedType(typeof(Measured), "measured")]
[JsonDerivedType(typeof(Kept), "kept")]
[JsonDerivedType(typeof(Done), "done")]
[JsonDerivedType(typeof(Failed), "failed")]
internal abstract record NodeAnswer
{
    public sealed record Found(ImageFinding Finding) : NodeAnswer;

    public sealed record Progress(StageReport Report) : NodeAnswer;

    public sealed record Seen(Observation Observation) : NodeAnswer;

    public sealed record Changed(SessionKey Key) : NodeAnswer;

    public sealed record Measured(IReadOnlyDictionary<string, long> Sizes) : NodeAnswer;

    public sealed record Kept(KeptWorkspace Workspace) : NodeAnswer;

    /// <summary>That was all.</summary>
    public sealed record Done : NodeAnswer;

    /// <param name="Reason">Name of a <see cref="Core.Sessions.Reason"/>; one that is not known is a refusal.</param>
    /// <param name="Detail">The particulars in words.</param>
    public sealed record Failed(string Reason, string Detail) : NodeAnswer;
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, UseStringEnumConverter = true, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(NodeCall))]
[JsonSerializable(typeof(NodeAnswer))]
internal sealed partial class WireJson : JsonSerializerContext;
