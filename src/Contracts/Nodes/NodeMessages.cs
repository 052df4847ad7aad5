using System.Text.Json.Serialization;

namespace Berth.Contracts.Nodes;

/// <summary>
/// What a node and the server say to each other over the node's control WebSocket (<see cref="NodeRoutes.Control"/>), as
/// JSON text messages. Unknown message types and fields are skipped, so that either side may be newer.
/// </summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "type", IgnoreUnrecognizedTypeDiscriminators = true)]
[JsonDerivedType(typeof(NodeHello), "hello")]
[JsonDerivedType(typeof(NodeReport), "report")]
[JsonDerivedType(typeof(NodeWelcome), "welcome")]
public record NodeMessage;

/// <summary>The node's first message on every connection.</summary>
/// <param name="Version">Of Berth there.</param>
/// <param name="Offer">What it was told to offer.</param>
/// <param name="Facts">What it measured.</param>
public sealed record NodeHello(string Version, NodeOffer Offer, NodeFacts Facts) : NodeMessage;

/// <summary>What it measured has changed.</summary>
/// <param name="Facts">All of it.</param>
public sealed record NodeReport(NodeFacts Facts) : NodeMessage;

/// <summary>The server's answer to hello.</summary>
/// <param name="Streams">How many idle streams to keep ready.</param>
public sealed record NodeWelcome(int Streams) : NodeMessage;

/// <summary>What a node was told to offer: when it joined, or since. Null: all that there is.</summary>
public sealed record NodeOffer
{
    /// <summary>Cores.</summary>
    public double? Cpu { get; init; }

    /// <summary>Bytes.</summary>
    public long? MemoryBytes { get; init; }

    /// <summary>Bytes for workspaces.</summary>
    public long? DiskBytes { get; init; }

    /// <summary>Gpus, by number or id, in the order in which they are given out; empty: none.</summary>
    public IReadOnlyList<string>? Gpus { get; init; }

    /// <summary>For people to tell machines apart.</summary>
    public IReadOnlyDictionary<string, string> Labels { get; init; } = new Dictionary<string, string>();

    /// <summary>The queues that it serves, the most important first.</summary>
    public IReadOnlyList<string> Queues { get; init; } = [NodeRoutes.DefaultQueue];

    /// <summary>It takes from its queues in turn, not by their order.</summary>
    public bool Fair { get; init; }

    /// <summary>When it may be used, such as <c>Mon-Fri 18:00-08:00</c>; null: always.</summary>
    public string? Uptime { get; init; }

    /// <summary>Time zone of <see cref="Uptime"/>, as IANA names it; null: UTC.</summary>
    public string? TimeZone { get; init; }
}

/// <summary>What a node measured.</summary>
public sealed record NodeFacts
{
    /// <summary>Product, version and platform of its engine; null: none answers.</summary>
    public string? Engine { get; init; }

    /// <summary>What is wrong there, in a sentence; null: nothing.</summary>
    public string? Problem { get; init; }

    /// <summary>What keeps its sessions from being shut off as they should be, why, and what to do, in sentences; null: nothing that is known.</summary>
    public string? Isolation { get; init; }

    /// <summary>Cores.</summary>
    public double Cpu { get; init; }

    /// <summary>Bytes of main memory.</summary>
    public long MemoryBytes { get; init; }

    /// <summary>Bytes of it that are free now, whoever uses the rest.</summary>
    public long MemoryFreeBytes { get; init; }

    /// <summary>Bytes that are free on the disk of its engine, or of its own folder where that cannot be told.</summary>
    public long DiskFreeBytes { get; init; }

    /// <summary>Its gpus.</summary>
    public IReadOnlyList<NodeGpu> Gpus { get; init; } = [];

    /// <summary>Which gpus it has cannot be told now: those that it had before are there, and nobody's to give.</summary>
    public bool GpusUnknown { get; init; }

    /// <summary>What is wrong with its gpus, in a sentence; null: nothing. Sessions without gpus do not mind.</summary>
    public string? GpuProblem { get; init; }
}

/// <summary>A gpu of a node.</summary>
/// <param name="Index">Number on the machine.</param>
/// <param name="Id">Such as <c>GPU-8a5…</c>.</param>
/// <param name="Name">Model.</param>
/// <param name="MemoryMiB">MiB; null: it did not say.</param>
/// <param name="Busy">Somebody computes on it, or it cannot be told.</param>
public sealed record NodeGpu(int Index, string Id, string Name, long? MemoryMiB, bool Busy);

/// <summary>Routes that a node uses, relative to its server's address.</summary>
public static class NodeRoutes
{
    /// <summary>POST: exchanges a join token for the node's own.</summary>
    public const string Join = "/api/berth/node/join";

    /// <summary>PUT: what the node offers from now on. <c>Authorization: Bearer</c> the node's token.</summary>
    public const string Offer = "/api/berth/node/offer";

    /// <summary>WebSocket: <see cref="NodeMessage"/> both ways. <c>Authorization: Bearer</c> the node's token.</summary>
    public const string Control = "/api/berth/node/control";

    /// <summary>WebSocket: one idle dial-back stream; see Tunnel.</summary>
    public const string Stream = "/api/berth/node/stream";

    /// <summary>Header of a refusal (401) that Berth itself says: no node has this token.</summary>
    public const string UnknownHeader = "Berth-Node-Unknown";

    /// <summary>The queue of nodes and pools that name none.</summary>
    public const string DefaultQueue = "default";
}
