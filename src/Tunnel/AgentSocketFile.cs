using System.Net.Sockets;
using System.Runtime.Versioning;

namespace Berth.Tunnel;

/// <summary>
/// The Unix socket of one session's agent, in the session's own folder. Anybody may open it who can see it: that is this
/// process's user, because the folder around is closed to others, and the one container that the session's is mounted into.
/// </summary>
[UnsupportedOSPlatform("windows")]
public static class AgentSocketFile
{
    private const int LongestPath = 107;
    private const int Waiting = 128;

    // SOL_SOCKET and SO_PASSRIGHTS of socket(7).
    private const int SocketLevel = 1;
    private const int PassRights = 83;
    private const UnixFileMode Closed = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
    private const UnixFileMode EveryoneMayPass = Closed
        | UnixFileMode.GroupRead | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute;
    private const UnixFileMode EveryoneMayConnect = UnixFileMode.UserRead | UnixFileMode.UserWrite
        | UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.OtherRead | UnixFileMode.OtherWrite;

    /// <summary>Listens at a path <c>CLOSED/SESSION/NAME</c>, whose folders are made; what an earlier process left is replaced.</summary>
    /// <param name="path">Where.</param>
    /// <param name="remedy">What to do about a path that is too long.</param>
    /// <exception cref="IOException">The path is too long, or the folders cannot be made.</exception>
    /// <exception cref="SocketException">It cannot be listened at.</exception>
    public static Socket Listen(string path, string remedy)
    {
        if (path.Length > LongestPath)
            throw new IOException($"The path of a session's socket may have {LongestPath} characters, and {path} has {path.Length}: {remedy}.");
        var folder = Path.GetDirectoryName(path)!;
        Directory.CreateDirectory(Path.GetDirectoryName(folder)!, Closed);
        Directory.CreateDirectory(folder);
        File.SetUnixFileMode(folder, EveryoneMayPass); // whatever the umask is
        File.Delete(path);
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            RefuseDescriptors(socket);
            socket.Bind(new UnixDomainSocketEndPoint(path));
            File.SetUnixFileMode(path, EveryoneMayConnect);
            socket.Listen(Waiting);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    // A descriptor that comes along is closed where the bytes are read, and closing may take its sender's time (a lingering
    // socket): a session could hold up the process's threads. Who is accepted inherits it. Kernels before 6.16 do not have it.
    private static void RefuseDescriptors(Socket socket)
    {
        try
        {
            socket.SetRawSocketOption(SocketLevel, PassRights, BitConverter.GetBytes(0));
        }
        catch (SocketException)
        {
            // An older kernel.
        }
    }

    /// <summary>Removes it, and its folder if nothing else is in that. Removing what is not there succeeds.</summary>
    public static void Remove(string path)
    {
        var folder = Path.GetDirectoryName(path)!;
        if (!Directory.Exists(folder))
            return;
        File.Delete(path);
        // What else is in it is the provider's, which takes its own part back.
        if (!Directory.EnumerateFileSystemEntries(folder).Any())
            Directory.Delete(folder);
    }
}
