using Berth.Contracts.Problems;
using Berth.Server.Options;
using Berth.Server.Problems;

namespace Berth.Server.Connections;

/// <summary>
/// How many streams a session and a user have open here, and how fast all that reaches a session is, browsers' connections
/// among it: so that one greedy user does not slow the others.
/// </summary>
public sealed class StreamLimits(ServerOptions options, TimeProvider clock)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, Taken> _ofUser = [];
    private readonly Dictionary<string, SessionShare> _ofSession = new(StringComparer.OrdinalIgnoreCase);

    private class Taken
    {
        public int Streams { get; set; }

        public int Ahead { get; set; }
    }

    private sealed class SessionShare(FairShare? bytes) : Taken
    {
        public FairShare? Bytes => bytes;

        public int Holders { get; set; }
    }

    /// <summary>Takes a place for a stream; dispose it when that is over.</summary>
    /// <param name="sessionId">Whose streams they are.</param>
    /// <param name="userId">Who opens it.</param>
    /// <param name="ahead">The stream is still to come. As many places are for those as for streams; <see cref="Place.Use"/> turns one into the other.</param>
    /// <exception cref="ProblemException">There is none.</exception>
    public Place Take(string sessionId, string userId, bool ahead = false)
    {
        lock (_lock)
        {
            RequirePlace(_ofSession.GetValueOrDefault(sessionId), _ofUser.GetValueOrDefault(userId), ahead);
            if (!_ofUser.TryGetValue(userId, out var user))
                _ofUser[userId] = user = new Taken();
            var share = Hold(sessionId);
            Count(share, user, ahead, 1);
            return new Place(this, sessionId, userId, share.Bytes, ahead);
        }
    }

    /// <summary>A connection of a browser to a session, at the pace that the session's bytes have: where that has no limit, the connection itself.</summary>
    public Stream Pace(string sessionId, Stream connection)
    {
        if (options.StreamBytesPerSecond == 0)
            return connection;
        lock (_lock)
            return new PacedStream(connection, Hold(sessionId).Bytes!, () => Release(sessionId));
    }

    private void RequirePlace(Taken? session, Taken? user, bool ahead)
    {
        var (ofSession, ofUser) = ahead ? (session?.Ahead ?? 0, user?.Ahead ?? 0) : (session?.Streams ?? 0, user?.Streams ?? 0);
        var what = ahead ? "connections that wait for streams" : "connections";
        if (ofSession >= options.StreamsPerSession)
            throw Full($"The session has {ofSession} {what} open, which is the most.", "streams_per_session");
        if (ofUser >= options.StreamsPerUser)
            throw Full($"You have {ofUser} {what} to sessions open, which is the most.", "streams_per_user");
    }

    private static void Count(Taken session, Taken user, bool ahead, int by)
    {
        foreach (var taken in (Taken[])[session, user])
        {
            if (ahead)
                taken.Ahead += by;
            else
                taken.Streams += by;
        }
    }

    private static ProblemException Full(string what, string setting) =>
        new(ProblemCode.QuotaExceeded, $"{what} Close some, or have {setting} raised on the server.");

    private SessionShare Hold(string sessionId)
    {
        if (!_ofSession.TryGetValue(sessionId, out var share))
            _ofSession[sessionId] = share = new SessionShare(options.StreamBytesPerSecond == 0 ? null : new FairShare(options.StreamBytesPerSecond, clock));
        share.Holders++;
        return share;
    }

    private void Release(string sessionId)
    {
        lock (_lock)
        {
            var share = _ofSession[sessionId];
            if (--share.Holders > 0)
                return;
            _ofSession.Remove(sessionId);
            share.Bytes?.Dispose();
        }
    }

    private void Use(string sessionId, string userId)
    {
        lock (_lock)
        {
            var (session, user) = (_ofSession[sessionId], _ofUser[userId]);
            RequirePlace(session, user, ahead: false);
            Count(session, user, ahead: true, -1);
            Count(session, user, ahead: false, 1);
        }
    }

    private void Leave(string sessionId, string userId, bool ahead)
    {
        lock (_lock)
        {
            var user = _ofUser[userId];
            Count(_ofSession[sessionId], user, ahead, -1);
            if (user is { Streams: 0, Ahead: 0 })
                _ofUser.Remove(userId);
            Release(sessionId);
        }
    }

    /// <summary>One stream's place.</summary>
    public sealed class Place(StreamLimits limits, string sessionId, string userId, FairShare? bytes, bool ahead) : IDisposable
    {
        private bool _ahead = ahead;
        private int _left;

        /// <summary>The stream has come.</summary>
        /// <exception cref="ProblemException">There is no place for it.</exception>
        public void Use()
        {
            if (!_ahead)
                return;
            limits.Use(sessionId, userId);
            _ahead = false;
        }

        /// <summary>One side of the stream, written to at the pace that the session's bytes have.</summary>
        public Stream Pace(Stream to) => bytes is null ? to : new PacedStream(to, bytes);

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _left, 1) == 0)
                limits.Leave(sessionId, userId, _ahead);
        }
    }
}
