using System.Net.WebSockets;
using Berth.Contracts.Services;
using Berth.Contracts.Sessions;

namespace Berth.Contracts.Client;

public sealed partial class ApiClient
{
    /// <summary>
    /// Opens a WebSocket to a session's agent. It carries one resumable stream (<c>Tunnel/Resumable</c>), whose request is a
    /// <see cref="ServiceRequest"/>.
    /// </summary>
    /// <param name="idOrName">The session.</param>
    /// <param name="ct">Gives up.</param>
    /// <param name="ahead">
    /// For a stream that is still to come: the server waits for its first words, for minutes. It may close it at any time, also
    /// where it does not give the stream; why is told to who asks again, not ahead.
    /// </param>
    public async Task<WebSocket> ConnectAsync(string idOrName, CancellationToken ct, bool ahead = false)
    {
        var address = new Uri(_http.BaseAddress!, ConnectPath(idOrName, ahead));
        var socket = new ClientWebSocket();
        socket.Options.CollectHttpResponseDetails = true;
        // What is carried finds out by itself that nobody is there any more.
        socket.Options.KeepAliveInterval = Timeout.InfiniteTimeSpan;
        try
        {
            await socket.ConnectAsync(new UriBuilder(address) { Scheme = address.Scheme == Uri.UriSchemeHttps ? "wss" : "ws" }.Uri, _http, ct);
            return socket;
        }
        catch (WebSocketException e)
        {
            var answered = (int)socket.HttpStatusCode != 0;
            socket.Dispose();
            if (!answered)
                throw new ServerUnreachableException(e.GetBaseException().Message, e);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
        // A refused WebSocket does not say why; the same request without one does.
        await CheckConnectAsync(idOrName, ct, ahead);
        throw new ServerUnreachableException("The server took no WebSocket: does a proxy before it let none pass?");
    }

    /// <summary>What an SSH client has to know of a session before it connects.</summary>
    public Task<SshView> GetSshAsync(string idOrName, CancellationToken ct) => GetAsync($"{Sessions}/{Escape(idOrName)}/ssh", Json.SshView, ct);

    /// <summary>What a browser needs that reaches the front end by a port of this machine.</summary>
    public Task<FrontEndView> GetFrontEndAsync(string idOrName, CancellationToken ct) => GetAsync($"{Sessions}/{Escape(idOrName)}/front_end", Json.FrontEndView, ct);

    /// <summary>Whether <see cref="ConnectAsync"/> would be taken; says why not.</summary>
    public async Task CheckConnectAsync(string idOrName, CancellationToken ct, bool ahead = false)
    {
        using var answer = await SendAsync(new HttpRequestMessage(HttpMethod.Get, ConnectPath(idOrName, ahead)), ct);
    }

    private static string ConnectPath(string idOrName, bool ahead) =>
        $"{Sessions}/{Escape(idOrName)}/{ServiceRoutes.Connect}{(ahead ? $"?{ServiceRoutes.Ahead}=true" : "")}";
}
