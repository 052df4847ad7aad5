using System.Net;
using System.Net.Sockets;
using Berth.Providers.Docker;

namespace Berth.Providers.Tests.Docker;

/// <summary>A second address of the real engine, which can go away and come back without harm to anybody else's sessions.</summary>
internal sealed class EngineRelay : IDisposable
{
    private readonly EngineAddress engine;
    private readonly string? path;
    private readonly List<Socket> open = [];
    private readonly Lock gate = new();
    private Socket? listener;

    /// <param name="engine">The real engine.</param>
    /// <param name="path">Of a Unix socket; null: a TCP port on loopback.</param>
    public EngineRelay(EngineInfo engine, string? path)
    {
        this.engine = EngineAddress.Parse(engine.Address);
        this.path = path;
    }

    public string Address { get; private set; } = "";

    public void Open()
    {
        listener = path is null
            ? new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp)
            : new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(path is null ? new IPEndPoint(IPAddress.Loopback, 0) : new UnixDomainSocketEndPoint(path));
        listener.Listen();
        Address = path is null ? $"tcp://{listener.LocalEndPoint}" : $"unix://{path}";
        _ = AcceptAsync(listener);
    }

    /// <summary>Cuts everything, as an engine does that is stopped.</summary>
    public void Close()
    {
        listener?.Dispose();
        lock (gate)
        {
            open.ForEach(s => s.Dispose());
            open.Clear();
        }

        if (path is not null)
            File.Delete(path);
    }

    public void Dispose() => Close();

    private async Task AcceptAsync(Socket from)
    {
        try
        {
            while (true)
                _ = RelayAsync(await from.AcceptAsync());
        }
        catch (SocketException)
        {
            // closed
        }
        catch (ObjectDisposedException)
        {
            // closed
        }
    }

    private async Task RelayAsync(Socket client)
    {
        var server = await engine.ConnectAsync(default);
        lock (gate)
            open.AddRange([client, server]);
        await Task.WhenAny(CopyAsync(client, server), CopyAsync(server, client));
        client.Dispose();
        server.Dispose();
    }

    private static async Task CopyAsync(Socket from, Socket to)
    {
        try
        {
            await using var source = new NetworkStream(from);
            await using var target = new NetworkStream(to);
            await source.CopyToAsync(target);
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException or SocketException)
        {
            // cut
        }
    }
}
