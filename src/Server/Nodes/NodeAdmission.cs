using System.Net;
using Berth.Server.Auth;
using Berth.Server.Storage;
using Dapper;

namespace Berth.Server.Nodes;

/// <summary>Whose a token of a node is. Memory knows, but for a moment in which it may be behind: then the database is asked.</summary>
public sealed class NodeAdmission(NodeDirectory nodes, ReplicaChannel channel, Db db, TimeProvider clock)
{
    // Apart from those of API tokens: who guesses these keeps no machine from hearing that it was removed.
    private readonly TokenGuesses _guesses = new(clock);

    /// <summary>Null: there is no such node, which is certain.</summary>
    /// <exception cref="Problems.ProblemException">Too many wrong tokens came from there of late.</exception>
    /// <exception cref="System.Data.Common.DbException">It cannot be told now.</exception>
    public async Task<NodeEntry?> FindAsync(string token, IPAddress? from, CancellationToken ct)
    {
        // Looked up by its hash: how long that takes says nothing about tokens that are there.
        var hash = Secret.Hash(token);
        var known = nodes.WithToken(hash);
        if (known is not null && channel.IsHearing)
            return known;
        if (known is null)
            _guesses.Check(from, hash);
        if (!await IsStoredAsync(hash, ct))
        {
            _guesses.Wrong(from, hash);
            return null;
        }

        if (known is null)
            await nodes.ReadAsync(ct); // It joined at another server of the database.
        return nodes.WithToken(hash);
    }

    private async Task<bool> IsStoredAsync(string hash, CancellationToken ct)
    {
        await using var connection = await db.OpenAsync(ct);
        return await connection.ExecuteScalarAsync<long>(new CommandDefinition("SELECT count(*) FROM nodes WHERE hash = @hash", new { hash }, cancellationToken: ct)) > 0;
    }
}
