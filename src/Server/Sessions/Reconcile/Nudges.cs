using System.Data.Common;
using Berth.Server.Storage;

namespace Berth.Server.Sessions.Reconcile;

/// <summary>
/// Tells the reconciler what happened to sessions elsewhere, so that it need not ask the database all the time: that of this
/// server, and those of others on its database, for a loop runs on one of them, and may just have changed hands.
/// </summary>
public sealed class Nudges
{
    private const string Word = "nudge";
    private readonly ReplicaChannel _channel;
    private readonly Replica _replica;
    private readonly Db _db;
    private readonly ILogger<Nudges> _log;

    public Nudges(ReplicaChannel channel, Replica replica, Db db, ILogger<Nudges> log)
    {
        (_channel, _replica, _db, _log) = (channel, replica, db, log);
        channel.Heard += words =>
        {
            if (words.Split(' ') is [Word, var from, var provider, var id] && from != replica.Name)
                Nudged?.Invoke(provider, id);
        };
    }

    /// <summary>Provider instance and session id.</summary>
    public event Action<string, string>? Nudged;

    /// <summary>Session id, and whether it was given input since the last time.</summary>
    public event Action<string, bool>? Touched;

    /// <summary>Something is wanted of this session.</summary>
    public void Nudge(string provider, string sessionId)
    {
        Nudged?.Invoke(provider, sessionId);
        if (!_db.IsSqlite)
            _ = TellAsync(provider, sessionId);
    }

    /// <summary>A session was given input, or is not any more.</summary>
    public void Touch(string sessionId, bool input) => Touched?.Invoke(sessionId, input);

    private async Task TellAsync(string provider, string sessionId)
    {
        try
        {
            await _db.WriteAsync(connection => _channel.TellAsync(connection, $"{Word} {_replica.Name} {provider} {sessionId}"), CancellationToken.None);
        }
        catch (Exception e) when (e is DbException or ObjectDisposedException)
        {
            _log.LogWarning("Other servers could not be told of session {Id}: {Why}", sessionId, e.Message);
        }
    }
}
