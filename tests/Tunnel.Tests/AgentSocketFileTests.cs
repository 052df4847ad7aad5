using System.Net.Sockets;
using System.Runtime.Versioning;

namespace Berth.Tunnel.Tests;

/// <summary>The socket that a session's processes may connect to.</summary>
[UnsupportedOSPlatform("windows")]
public sealed class AgentSocketFileTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("berth-file-");

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task NobodyPassesDescriptorsThroughIt()
    {
        var path = Path.Combine(_folder.FullName, "sessions", "a", "agent.sock");
        using var listening = AgentSocketFile.Listen(path, "choose another");
        using var session = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await session.ConnectAsync(new UnixDomainSocketEndPoint(path), Ct);
        using var accepted = await listening.AcceptAsync(Ct);
        Span<byte> allowed = stackalloc byte[sizeof(int)];
        try
        {
            accepted.GetRawSocketOption(1, 83, allowed);
        }
        catch (SocketException)
        {
            Assert.Skip("This kernel cannot refuse them.");
        }
        Assert.Equal(0, BitConverter.ToInt32(allowed));
    }
}
