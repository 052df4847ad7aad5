using System.Collections.Concurrent;
using System.Net.Sockets;
using Berth.Core.Agents;

namespace Berth.Node;

/// <summary>
/// One Unix socket a session, in its folder, for its agent: what a server has for the sessions of its own machine. A
/// container so needs no way to the network for its agent.
/// </summary>
internal sealed class SessionSockets(string parent, AgentRelay relay) : IAsyncDisposable
{
    private const int LongestSocketPath = 107;
    private const UnixFileMode Closed = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
    private const UnixFileMode EveryoneMayPass = Closed
        | UnixFileMode.GroupRead | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute;
    private const UnixFileMode EveryoneMayConnect = UnixFileMode.UserRead | UnixFileMode.UserWrite
        | UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.OtherRead | UnixFileMode.OtherWrite;

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
            var folder = FolderOf(sessionId);
            var path = Path.Combine(folder, AgentFiles.Socket);
            if (path.Length > LongestSocketPath)
                throw new IOException($"The path of a session's socket may have {LongestSocketPath} characters, and {path} has {path.Length}: join with a shorter --data folder.");
            Directory.CreateDirectory(parent, Closed);
            Directory.CreateDirectory(folder);
            File.SetUnixFileMode(folder, EveryoneMayPass); // whatever the umask is
            File.Delete(path);
            var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            socket.Bind(new UnixDomainSocketEndPoint(path));
            File.SetUnixFileMode(path, EveryoneMayConnect);
            socket.Listen(128);
            _listening[sessionId] = socket;
            _ = AcceptAsync(sessionId, socket);
        }
    }

    /// <summary>Stops listening where no start of the session is here any more; its folder goes once nothing else is in it.</summary>
    public void CloseUnlessOrdered(string sessionId)
    {
        lock (_listening)
        {
            var folder = FolderOf(sessionId);
            if (HasOrder(folder))
                return;
            if (_listening.TryRemove(sessionId, out var socket))
                socket.Dispose();
            if (!Directory.Exists(folder))
                return;
            File.Delete(Path.Combine(folder, AgentFiles.Socket));
            // What else is in it is the provider's, which takes its own part back.
            if (!Directory.EnumerateFileSystemEntries(folder).Any())
                Directory.Delete(folder);
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

    private async Task AcceptAsync(string sessionId, Socket listening)
    {
        var over = _over.Token;
        while (!over.IsCancellationRequested)
        {
            try
            {
                _ = relay.ServeAsync(sessionId, await listening.AcceptAsync(over), over);
            }
            catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException || e is SocketException { SocketErrorCode: SocketError.OperationAborted })
            {
                return;
            }
            catch (SocketException e)
            {
                // Out of file descriptors, most likely: others will be closed.
                await Console.Error.WriteLineAsync($"berth-node: a connection of session {sessionId} could not be accepted: {e.Message}");
                await Task.Delay(TimeSpan.FromMilliseconds(100), CancellationToken.None);
            }
        }
    }
}
