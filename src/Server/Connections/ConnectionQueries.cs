using Berth.Contracts.Sessions;
using Berth.Server.Auth;
using Berth.Server.Paging;
using Berth.Server.Sessions;
using Berth.Server.Storage;

namespace Berth.Server.Connections;

/// <summary>Reads what <see cref="ConnectionLog"/> wrote, newest first.</summary>
public sealed class ConnectionQueries(Db db, SessionQueries sessions)
{
    private const string Select = """
        SELECT c.id, c.session_id, s.name AS session_name, u.username, c.kind, c.target, c.address, c.started_at, c.ended_at, c.lost, c.bytes_in, c.bytes_out
        FROM connections c JOIN sessions s ON s.id = c.session_id JOIN users u ON u.id = c.user_id
        """;

    /// <summary>To one of the caller's sessions.</summary>
    public async Task<PageOf<ConnectionView>> OfSessionAsync(Caller caller, string session, PageRequest page, CancellationToken ct)
    {
        var found = await sessions.RequireAsync(caller, session, ct);
        return await QueryAsync("c.session_id = @Id", new { found.Session.Id }, page, ct);
    }

    /// <summary>To everybody's sessions, for admins.</summary>
    public Task<PageOf<ConnectionView>> OfAllAsync(string? user, PageRequest page, CancellationToken ct) =>
        QueryAsync(user is null ? "1 = 1" : "u.username = @user", new { user }, page, ct);

    private async Task<PageOf<ConnectionView>> QueryAsync(string where, object args, PageRequest page, CancellationToken ct)
    {
        await using var connection = await db.OpenAsync(ct);
        return (await page.QueryAsync<FoundConnection>(connection, $"{Select} WHERE {where}", "id DESC", args)).Select(View);
    }

    private static ConnectionView View(FoundConnection of) => new(
        of.Id, of.SessionId, of.SessionName, of.Username, of.Kind, of.Target, of.Address, DateTimeOffset.FromUnixTimeMilliseconds(of.StartedAt),
        of.EndedAt is { } ended ? DateTimeOffset.FromUnixTimeMilliseconds(ended) : null, of.Lost, of.BytesIn, of.BytesOut);

    private sealed class FoundConnection
    {
        public required string Id { get; init; }
        public required string SessionId { get; init; }
        public required string SessionName { get; init; }
        public required string Username { get; init; }
        public required string Kind { get; init; }
        public string? Target { get; init; }
        public required string Address { get; init; }
        public long StartedAt { get; init; }
        public long? EndedAt { get; init; }
        public bool Lost { get; init; }
        public long BytesIn { get; init; }
        public long BytesOut { get; init; }
    }
}
