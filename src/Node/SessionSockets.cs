using System.Collections.Concurrent;
using System.Net.Sockets;
using Berth.Core.Agents;
using Berth.Tunnel;

namespace Berth.Node;

/// <summary>
/// One Unix socket a session, in its folder, for its agent: what a server has for the sessions of its own machine. A
/// container so needs no way to the network for its agent.
/// </summary>
/// <param name="parent">Folder of the sessions' folders.</param>
/// <param name="relay">Passes connections on.</param>
/// <param name="most">Connections that one session may have: its agent needs a few hundred at most, and the node's descriptors are for all.</param>
internal sealed class SessionSockets(string parent, AgentRelay relay, int most = 512) : IAsyncDisposable
{
    private readonly ConcurrentDictionary<string, Socket> _listening = new(StringComparer.OrdinalIgnoreCase);
    private readonly CancellationTokenSource _over = new();

    /// <summary>Listens for the agents of all sessions that have an order here: an earlier process of this node began them.</summary>
    public void OpenAll()
    {
        if (!Directory.Exists(parent))
            return;
        foreach (var folder in Directory.EnumerateDirectories(parent).Where(HasOrder))
            Open(Path.GetFileName(folder));
    }

    /// <summary>Listens for a session's agent. Doing it again changes nothing; a socket that an earlier process left is replaced.</summary>
    /// <exception cref="IOException">The data folder's path is too long for sockets.</exception>
    public void Open(string sessionId)
    {
        lock (_listening)
        {
            if (_listening.ContainsKey(sessionId))
                return;
            var socket = AgentSocketFile.Listen(SocketOf(sessionId), "join with a shorter --data folder");
            _listening[sessionId] = socket;
            _ = AcceptAsync(sessionId, socket);
        }
    }

    /// <summary>Stops listening where no start of the session is here any more; its folder goes once nothing else is in it.</summary>
    public void CloseUnlessOrdered(string sessionId)
    {
        lock (_listening)
        {
            if (HasOrder(FolderOf(sessionId)))
                return;
            if (_listening.TryRemove(sessionId, out var socket))
                socket.Dispose();
            AgentSocketFile.Remove(SocketOf(sessionId));
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _over.CancelAsync();
        // The files stay: the next process replaces them, and agents keep trying meanwhile.
        foreach (var socket in _listening.Values)
            socket.Dispose();
        _over.Dispose();
    }

    private static bool HasOrder(string folder) => File.Exists(Path.Combine(folder, AgentFiles.Order));

    private string FolderOf(string sessionId) => sessionId.Length > 0 && sessionId.All(char.IsAsciiLetterOrDigit)
        ? Path.Combine(parent, sessionId.ToLowerInvariant())
        : throw new IOException($"'{sessionId}' is not the id of a session.");

    private string SocketOf(string sessionId) => Path.Combine(FolderOf(sessionId), AgentFiles.Socket);

    private async Task ServeAsync(string sessionId, Socket agent, SemaphoreSlim room, CancellationToken over)
    {
        try
        {
            await relay.ServeAsync(sessionId, agent, over);
        }
        finally
        {
            room.Release();
        }
    }

    private async Task AcceptAsync(string sessionId, Socket listening)
    {
        var over = _over.Token;
        var room = new SemaphoreSlim(most); // Not disposed of: connections outlive the listening.
        while (!over.IsCancellationRequested)
        {
            try
            {
                var agent = await listening.AcceptAsync(over);
                if (room.Wait(0, CancellationToken.None))
                    _ = ServeAsync(sessionId, agent, room, over);
                else
                    agent.Dispose();
            }
            catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException || e is SocketException { SocketErrorCode: SocketError.OperationAborted })
            {
                return;
            }
            catch (Exception e)
            {
                // Out of file descriptors, most likely: others will be closed. Whatever it is, the session's agent must get through later.
                await Console.Error.WriteLineAsync($"berth-node: a connection of session {sessionId} could not be accepted: {e.Message}");
                await Task.Delay(TimeSpan.FromMilliseconds(100), CancellationToken.None);
            }
        }
    }
}
