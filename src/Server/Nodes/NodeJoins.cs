using System.Data.Common;
using System.Net;
using System.Text.Json;
using Berth.Contracts.Json;
using Berth.Contracts.Nodes;
using Berth.Contracts.Problems;
using Berth.Core.Ids;
using Berth.Server.Auth;
using Berth.Server.Options;
using Berth.Server.Problems;
using Berth.Server.Providers;
using Berth.Server.Storage;
using Dapper;

namespace Berth.Server.Nodes;

/// <summary>How machines join: a token made by a user is exchanged, once and within an hour, for the machine's own.</summary>
public sealed class NodeJoins(Db db, NodeDirectory nodes, Installation installation, PublicAddress address, TokenGuesses guesses, ServerOptions options, TimeProvider clock)
{
    private const string JoinPrefix = "join_";
    private static readonly TimeSpan Lifetime = TimeSpan.FromHours(1);

    /// <summary>A token for one machine.</summary>
    /// <exception cref="ProblemException">Only admins let machines serve pools.</exception>
    public async Task<NodeTokenCreated> CreateAsync(Caller caller, NodeTokenRequest request, CancellationToken ct)
    {
        if (!request.Own && !caller.IsAdmin)
            throw new ProblemException(ProblemCode.Forbidden, "Only admins let machines serve pools. For a machine that serves you alone: `berth node token --own`.", "own");
        var secret = JoinPrefix + Secret.New();
        var now = clock.GetUtcNow();
        await db.WriteAsync(async connection =>
        {
            await connection.ExecuteAsync("DELETE FROM node_tokens WHERE expires_at < @Now", new { Now = now.ToUnixTimeMilliseconds() });
            if (request.Own)
                await RequireRoomAsync(connection, caller);
            await connection.ExecuteAsync(
                "INSERT INTO node_tokens (hash, owner_id, made_by, expires_at) VALUES (@Hash, @Owner, @UserId, @ExpiresAt)",
                new { Hash = Secret.Hash(secret), Owner = request.Own ? caller.UserId : null, caller.UserId, ExpiresAt = (now + Lifetime).ToUnixTimeMilliseconds() });
        }, ct);
        return new NodeTokenCreated(secret, now + Lifetime, $"berth node join {address.Origin} --token {secret}", address.Url.IsLoopback
            ? $"{address.Origin} reaches the server from its own machine alone. For another machine, set public_url and make another token, or give `berth node join` the address that reaches it from there."
            : null);
    }

    // Each costs the server a loop. A token becomes a machine, so both count.
    private async Task RequireRoomAsync(DbConnection connection, Caller caller)
    {
        var has = await connection.ExecuteScalarAsync<long>(
            "SELECT (SELECT count(*) FROM nodes WHERE owner_id = @UserId) + (SELECT count(*) FROM node_tokens WHERE owner_id = @UserId)", new { caller.UserId });
        if (has >= options.NodesPerUser)
            throw new ProblemException(
                ProblemCode.QuotaExceeded,
                $"You have {has} machines of your own, tokens that are still good among them, and may have {options.NodesPerUser}. Remove some, wait an hour for the tokens, or have nodes_per_user raised on the server.");
    }

    /// <summary>Uses a join token up. A machine that has joined already, whose answer was lost, is answered again.</summary>
    /// <param name="request">The token, and what the machine says of itself.</param>
    /// <param name="from">From where; null: this machine's socket.</param>
    /// <param name="ct">Cancels.</param>
    /// <exception cref="ProblemException">The token is wrong, used or expired; or what the machine says cannot be, which uses no token up.</exception>
    public async Task<JoinAnswer> JoinAsync(JoinRequest request, IPAddress? from, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(request);
        var machine = new Machine(
            Ulid.New(clock),
            NodeRules.Name(request.Name, "name"),
            NodeSecret.IsOne(request.Secret) ? Secret.Hash(request.Secret) : throw Check.Invalid("secret", "must be node_ and 32 random bytes in base64url"),
            NodeRules.Checked(request.Offer ?? new NodeOffer()),
            request.Processes);
        var token = Secret.Hash(request.Token ?? "");
        guesses.Check(from, token);
        if (await nodes.ChangeAsync(async connection => await JoinedAsync(connection, machine) ?? await JoinAsync(connection, token, machine), ct) is { } joined)
            return new JoinAnswer(joined.Id, joined.Name, $"{installation.Id}-{joined.Id}", joined.OwnerName);
        guesses.Wrong(from, token);
        throw new ProblemException(ProblemCode.SignInNeeded, "The join token is wrong, used or expired: each is good for one machine, for an hour. Make another: `berth node token`.", "token");
    }

    /// <returns>Null: it has not joined yet.</returns>
    private static async Task<NodeRow?> JoinedAsync(DbConnection connection, Machine machine)
    {
        var node = await connection.QuerySingleOrDefaultAsync<NodeRow?>(
            "SELECT n.*, u.username AS owner_name FROM nodes n LEFT JOIN users u ON u.id = n.owner_id WHERE n.hash = @Hash", new { machine.Hash });
        if (node is not null)
            RequireOwner(machine, node.OwnerId);
        return node;
    }

    /// <returns>Null: the token is good for nothing.</returns>
    private async Task<NodeRow?> JoinAsync(DbConnection connection, string hash, Machine machine)
    {
        var now = clock.GetUtcNow().ToUnixTimeMilliseconds();
        // Its maker may have lost the rights, or be gone, since it was made.
        var token = await connection.QuerySingleOrDefaultAsync<TokenRow?>(
            """
            SELECT t.owner_id, u.username AS owner_name, m.is_admin FROM node_tokens t
            JOIN users m ON m.id = t.made_by LEFT JOIN users u ON u.id = t.owner_id
            WHERE t.hash = @hash AND t.expires_at > @now AND m.disabled = false AND (t.owner_id IS NOT NULL OR m.is_admin = true)
            """, new { hash, now });
        if (token is null)
            return null;
        RequireOwner(machine, token.OwnerId);
        var node = new NodeRow
        {
            Id = machine.Id,
            Name = machine.Name,
            OwnerId = token.OwnerId,
            OwnerName = token.OwnerName,
            Hash = machine.Hash,
            Offer = JsonSerializer.Serialize(machine.Offer, NodeJson.Default.NodeOffer),
            JoinedAt = now,
        };
        await RequireNameAsync(connection, node.Name, token);
        await connection.ExecuteAsync("DELETE FROM node_tokens WHERE hash = @hash", new { hash });
        await connection.ExecuteAsync(
            "INSERT INTO nodes (id, name, owner_id, hash, offer, draining, joined_at) VALUES (@Id, @Name, @OwnerId, @Hash, @Offer, @Draining, @JoinedAt)", node);
        return node;
    }

    private static void RequireOwner(Machine machine, string? owner)
    {
        if (machine.Processes && owner is null)
            throw new ProblemException(ProblemCode.Forbidden, "A machine whose sessions are processes keeps people apart from nobody: it can serve its owner alone. Join it with a token of `berth node token --own`; this one is still good for a machine with an engine.", "processes");
    }

    // Whose machine has the name is nobody else's business, nor can anybody else remove it.
    private static async Task RequireNameAsync(DbConnection connection, string name, TokenRow token)
    {
        var taken = await connection.QuerySingleOrDefaultAsync<NodeRow?>("SELECT * FROM nodes WHERE lower(name) = lower(@name)", new { name });
        if (taken is null)
            return;
        throw new ProblemException(ProblemCode.Conflict, token.IsAdmin || (token.OwnerId is not null && token.OwnerId == taken.OwnerId)
            ? $"There is a machine '{taken.Name}' already. Choose another --name, or remove that one first: `berth node remove {taken.Name}`."
            : $"The name '{name}' is taken. Choose another --name.", "name");
    }

    /// <summary>A machine that wants to join, as checked.</summary>
    private sealed record Machine(string Id, string Name, string Hash, NodeOffer Offer, bool Processes);

    private sealed class TokenRow
    {
        public string? OwnerId { get; init; }
        public string? OwnerName { get; init; }
        public bool IsAdmin { get; init; }
    }
}
