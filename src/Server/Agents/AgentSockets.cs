using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Threading.Channels;
using Berth.Core.Agents;
using Berth.Server.Options;
using Berth.Tunnel;
using Microsoft.AspNetCore.Connections;

namespace Berth.Server.Agents;

/// <summary>
/// One Unix socket a session, for its agent: <c>SESSIONS-FOLDER/id/agent.sock</c>. It is a transport of Kestrel that
/// listens on sockets which come and go while the server runs; a connection knows which session's socket it came through
/// (<see cref="AgentConnection"/>).
/// </summary>
public sealed class AgentSockets(ServerOptions options, ILoggerFactory loggers)
    : IConnectionListenerFactory, IConnectionListenerFactorySelector, IDisposable
{
    // A session's own processes can connect as often as they like: each connection is a file of the server's.
    private const int MostConnections = ConnectedAgent.MaximumStreams + 32;

    private readonly Lock _opening = new();
    private readonly ILogger _log = loggers.CreateLogger<AgentSockets>();
    private readonly ConcurrentDictionary<string, Socket> _listening = new(StringComparer.OrdinalIgnoreCase);
    private readonly Channel<ConnectionContext> _accepted = Channel.CreateUnbounded<ConnectionContext>();

    /// <summary>The folder that is mounted into a session.</summary>
    public string Folder(string sessionId) => Path.Combine(options.SessionsFolder, sessionId.ToLowerInvariant());

    /// <summary>Listens for a session's agent. Doing it again changes nothing; a socket that an earlier server left is replaced.</summary>
    /// <exception cref="IOException">The data folder's path is too long for sockets.</exception>
    public void Open(string sessionId)
    {
        lock (_opening)
        {
            if (_listening.ContainsKey(sessionId))
                return;
            var socket = AgentSocketFile.Listen(SocketOf(sessionId), "choose a shorter data folder");
            _listening[sessionId] = socket;
            _ = AcceptAsync(sessionId, socket);
        }
    }

    /// <summary>Stops listening and removes the socket, also one that an earlier server left. Closing what is not open succeeds.</summary>
    public void Close(string sessionId)
    {
        lock (_opening)
        {
            if (_listening.TryRemove(sessionId, out var socket))
                socket.Dispose();
            AgentSocketFile.Remove(SocketOf(sessionId));
        }
    }

    bool IConnectionListenerFactorySelector.CanBind(EndPoint endpoint) => endpoint is AgentEndPoint;

    ValueTask<IConnectionListener> IConnectionListenerFactory.BindAsync(EndPoint endpoint, CancellationToken cancellationToken) =>
        new(new Listener(this, endpoint));

    public void Dispose()
    {
        _accepted.Writer.TryComplete();
        foreach (var (sessionId, socket) in _listening)
        {
            // The file stays: the next server replaces it, and agents keep trying meanwhile.
            if (_listening.TryRemove(sessionId, out _))
                socket.Dispose();
        }
    }

    private string SocketOf(string sessionId) => Path.Combine(Folder(sessionId), AgentFiles.Socket);

    private async Task AcceptAsync(string sessionId, Socket listening)
    {
        var room = new SemaphoreSlim(MostConnections); // Not disposed of: connections outlive the listening.
        while (true)
        {
            try
            {
                var socket = await listening.AcceptAsync();
                if (room.Wait(0, CancellationToken.None))
                    await OfferAsync(sessionId, socket, room);
                else
                    socket.Dispose();
            }
            catch (Exception e) when (e is ObjectDisposedException || e is SocketException { SocketErrorCode: SocketError.OperationAborted })
            {
                return;
            }
            catch (Exception e)
            {
                // Out of file descriptors, most likely: others will be closed. Whatever it is, the session's agent must get through later.
                _log.LogWarning("A connection of session {Session} could not be accepted: {Error}", sessionId, e.Message);
                await Task.Delay(TimeSpan.FromMilliseconds(100));
            }
        }
    }

    private async Task OfferAsync(string sessionId, Socket socket, SemaphoreSlim room)
    {
        AgentConnection connection;
        try
        {
            connection = new AgentConnection(sessionId, socket, () => room.Release());
        }
        catch
        {
            socket.Dispose();
            room.Release();
            throw;
        }
        if (!_accepted.Writer.TryWrite(connection))
            await connection.DisposeAsync();
    }

    private sealed class Listener(AgentSockets sockets, EndPoint endPoint) : IConnectionListener
    {
        public EndPoint EndPoint => endPoint;

        public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default) =>
            await sockets._accepted.Reader.WaitToReadAsync(cancellationToken) && sockets._accepted.Reader.TryRead(out var connection)
                ? connection
                : null;

        public ValueTask UnbindAsync(CancellationToken cancellationToken = default)
        {
            sockets._accepted.Writer.TryComplete();
            return default;
        }

        public ValueTask DisposeAsync() => default;
    }
}

/// <summary>All sessions' sockets together, as one address for Kestrel.</summary>
public sealed class AgentEndPoint : EndPoint
{
    public override string ToString() => "agents";
}
