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
public sealed class NodeJoins(Db db, NodeDirectory nodes, Installation installation, PublicAddress address, TokenGuesses guesses, TimeProvider clock)
{
    private const string JoinPrefix = "join_";
    private const string NodePrefix = "node_";
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
            await connection.ExecuteAsync(
                "INSERT INTO node_tokens (hash, owner_id, made_by, expires_at) VALUES (@Hash, @Owner, @UserId, @ExpiresAt)",
                new { Hash = Secret.Hash(secret), Owner = request.Own ? caller.UserId : null, caller.UserId, ExpiresAt = (now + Lifetime).ToUnixTimeMilliseconds() });
        }, ct);
        return new NodeTokenCreated(secret, now + Lifetime, $"berth node join {address.Origin} --token {secret}");
    }

    /// <summary>Uses a join token up.</summary>
    /// <param name="request">The token, and how the machine shall be called.</param>
    /// <param name="from">From where; null: this machine's socket.</param>
    /// <param name="ct">Cancels.</param>
    /// <exception cref="ProblemException">It is wrong, used or expired, or the name is taken; a name that is taken uses no token up.</exception>
    public async Task<JoinAnswer> JoinAsync(JoinRequest request, IPAddress? from, CancellationToken ct)
    {
        var name = NodeRules.Name(request.Name, "name");
        var hash = Secret.Hash(request.Token ?? "");
        guesses.Check(from, hash);
        var secret = NodePrefix + Secret.New();
        var id = Ulid.New(clock);
        var now = clock.GetUtcNow().ToUnixTimeMilliseconds();
        var joined = await nodes.ChangeAsync(
            async connection =>
            {
                // Its maker may have lost the rights, or be gone, since it was made.
                var token = await connection.QuerySingleOrDefaultAsync<TokenRow?>(
                    """
                    SELECT t.owner_id, u.username AS owner_name FROM node_tokens t
                    JOIN users m ON m.id = t.made_by LEFT JOIN users u ON u.id = t.owner_id
                    WHERE t.hash = @hash AND t.expires_at > @now AND m.disabled = false AND (t.owner_id IS NOT NULL OR m.is_admin = true)
                    """, new { hash, now });
                if (token is null)
                    return null;
                if (request.Processes && token.OwnerId is null)
                    throw new ProblemException(ProblemCode.Forbidden, "A machine whose sessions are processes keeps people apart from nobody: it can serve its owner alone. Join it with a token of `berth node token --own`; this one is still good for a machine with an engine.", "processes");
                if (await connection.ExecuteScalarAsync<long>("SELECT count(*) FROM nodes WHERE lower(name) = lower(@name)", new { name }) > 0)
                    throw new ProblemException(ProblemCode.Conflict, $"There is a machine '{name}' already. Choose another --name, or remove that one first: `berth node remove {name}`.", "name");
                await connection.ExecuteAsync("DELETE FROM node_tokens WHERE hash = @hash", new { hash });
                await connection.ExecuteAsync(
                    "INSERT INTO nodes (id, name, owner_id, hash, offer, draining, joined_at) VALUES (@id, @name, @OwnerId, @Hash, @Offer, @Draining, @now)",
                    new { id, name, token.OwnerId, Hash = Secret.Hash(secret), Offer = JsonSerializer.Serialize(new NodeOffer(), NodeJson.Default.NodeOffer), Draining = false, now });
                return token;
            },
            ct);
        if (joined is null)
        {
            guesses.Wrong(from, hash);
            throw new ProblemException(ProblemCode.SignInNeeded, "The join token is wrong, used or expired: each is good for one machine, for an hour. Make another: `berth node token`.", "token");
        }

        return new JoinAnswer(id, name, secret, $"{installation.Id}-{id}", joined.OwnerName);
    }

    private sealed class TokenRow
    {
        public string? OwnerId { get; init; }
        public string? OwnerName { get; init; }
    }
}
