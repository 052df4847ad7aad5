using System.Text.Json;
using Berth.Contracts.Json;
using Berth.Contracts.Nodes;

namespace Berth.Server.Nodes;

/// <summary>A node as stored.</summary>
public sealed record NodeRow
{
    /// <summary>How provider instances of nodes are called: this, and the node's id.</summary>
    public const string InstancePrefix = "node:";

    public required string Id { get; init; }
    public required string Name { get; init; }
    public string? OwnerId { get; init; }
    public string? OwnerName { get; init; }
    /// <summary>The user whom alone it serves may not come in, and nor may it.</summary>
    public bool OwnerDisabled { get; init; }

    public required string Hash { get; init; }
    public required string Offer { get; init; }
    public string? Facts { get; init; }
    public string? Version { get; init; }
    public bool Draining { get; init; }
    public long JoinedAt { get; init; }
    public long? LastSeen { get; init; }

    /// <summary>The server that has its connection; null: none has.</summary>
    public string? ConnectedTo { get; init; }

    public string Instance => InstancePrefix + Id;

    public NodeOffer OfferOf => JsonSerializer.Deserialize(Offer, NodeJson.Default.NodeOffer) ?? new NodeOffer();

    /// <summary>Whether sessions of a user that stand in a queue may be given to it.</summary>
    public bool Serves(string userId, string queue) =>
        (OwnerId is null || OwnerId == userId) && OfferOf.Queues.Contains(queue, StringComparer.OrdinalIgnoreCase);

    public NodeFacts? FactsOf => Facts is null ? null : JsonSerializer.Deserialize(Facts, NodeJson.Default.NodeFacts);
}
