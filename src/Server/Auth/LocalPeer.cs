using System.Buffers.Binary;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;

namespace Berth.Server.Auth;

/// <summary>
/// The process at the other end of the local socket: a feature of connections whose peer is who runs the server, or root.
/// </summary>
/// <param name="Uid">Its user.</param>
public sealed partial record LocalPeer(uint Uid)
{
    // socket(7): SO_PEERCRED gives struct ucred { pid_t pid; uid_t uid; gid_t gid; }.
    private const int SolSocket = 1;
    private const int SoPeerCred = 17;

    /// <summary>Connection middleware of the local socket: others are cut off before they can say a word.</summary>
    public static ConnectionDelegate Require(ConnectionDelegate next) => async connection =>
    {
        if (connection.Features.Get<IConnectionSocketFeature>()?.Socket is { } socket && Find(socket) is { } peer)
        {
            connection.Features.Set(peer);
            await next(connection);
        }
        else
        {
            connection.Abort(new ConnectionAbortedException("The local socket is for who runs the server."));
        }
    };

    private static LocalPeer? Find(Socket socket)
    {
        var own = GetEffectiveUserId();
        // Elsewhere the socket's mode alone keeps others out.
        if (!OperatingSystem.IsLinux())
            return new LocalPeer(own);
        Span<byte> credentials = stackalloc byte[12];
        if (socket.GetRawSocketOption(SolSocket, SoPeerCred, credentials) < 8)
            return null;
        var uid = BitConverter.IsLittleEndian
            ? BinaryPrimitives.ReadUInt32LittleEndian(credentials[4..])
            : BinaryPrimitives.ReadUInt32BigEndian(credentials[4..]);
        return uid == own || uid == 0 ? new LocalPeer(uid) : null;
    }

    [LibraryImport("libc", EntryPoint = "geteuid")]
    private static partial uint GetEffectiveUserId();
}
