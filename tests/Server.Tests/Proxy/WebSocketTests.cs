using System.Net.WebSockets;
using System.Security.Cryptography;
using System.Text;
using Berth.Server.Proxy;

namespace Berth.Server.Tests.Proxy;

/// <summary>WebSockets between visitor and app. The same for every way to reach a session.</summary>
public abstract class WebSocketTests(IWay way) : OpenSessionTests(way)
{
    [Fact]
    public async Task WebSocketsCarryTextAndBytes()
    {
        using var socket = await Browser.SocketAsync(Origin + "/socket", Origin, "v1.kernel.websocket.jupyter.org");
        Assert.Equal("v1.kernel.websocket.jupyter.org", socket.SubProtocol);
        await socket.SendAsync(Encoding.UTF8.GetBytes("größe"), WebSocketMessageType.Text, true, Ct);
        Assert.Equal((WebSocketMessageType.Text, "größe"), await ReceiveAsync(socket));

        var bytes = RandomNumberGenerator.GetBytes(900_000);
        await socket.SendAsync(bytes, WebSocketMessageType.Binary, true, Ct);
        var buffer = new byte[bytes.Length];
        var filled = 0;
        ValueWebSocketReceiveResult part;
        do
        {
            part = await socket.ReceiveAsync(buffer.AsMemory(filled), Ct);
            filled += part.Count;
        }
        while (!part.EndOfMessage);
        Assert.Equal(WebSocketMessageType.Binary, part.MessageType);
        Assert.Equal(bytes, buffer[..filled]);
    }

    [Fact]
    public async Task WebSocketsCloseWithTheAppsWords()
    {
        using var socket = await Browser.SocketAsync(Origin + "/socket", Origin);
        await socket.SendAsync("close 4001 kernel died"u8.ToArray(), WebSocketMessageType.Text, true, Ct);
        var end = await socket.ReceiveAsync(new byte[100].AsMemory(), Ct);
        Assert.Equal(WebSocketMessageType.Close, end.MessageType);
        Assert.Equal((4001, "kernel died"), ((int)socket.CloseStatus!, socket.CloseStatusDescription));
        await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, Ct);
    }

    [Fact]
    public async Task WebSocketsCloseWithTheVisitorsWords()
    {
        using var socket = await Browser.SocketAsync(Origin + "/socket", Origin);
        await socket.CloseAsync((WebSocketCloseStatus)4002, "left", Ct);
        Assert.Equal((4002, "left"), ((int)socket.CloseStatus!, socket.CloseStatusDescription));
    }

    [Fact]
    public async Task WhatAVisitorTypesIsNotedAsInputAndWhatAPageAsksIsNot()
    {
        var input = Server.Get<InputWatch>().Of(Session.Id);
        await Browser.OpenAsync(Origin + "/api/kernels");
        (await Browser.SendAsync(new HttpRequestMessage(HttpMethod.Put, Origin + "/lab/api/workspaces/default"))).Dispose();
        using var socket = await Browser.SocketAsync(Origin + "/socket", Origin);
        await socket.SendAsync("hello of a page that connects"u8.ToArray(), WebSocketMessageType.Text, true, Ct);
        await ReceiveAsync(socket);
        Assert.False(input.Take().Now);

        (await Browser.SendAsync(new HttpRequestMessage(HttpMethod.Put, Origin + "/api/contents/a.ipynb"))).Dispose();
        Assert.True(input.Take().Now);
    }

    [Theory]
    [InlineData("http://evil.example")]
    [InlineData("null")]
    public async Task WebSocketsOfOtherOriginsAreRefused(string origin) =>
        await Assert.ThrowsAsync<WebSocketException>(() => Browser.SocketAsync(Origin + "/socket", origin));

    [Fact]
    public async Task SigningOutCutsAnOpenWebSocketAtOnce()
    {
        using var socket = await Browser.SocketAsync(Origin + "/socket", Origin);
        using var other = await (await Server.EnterAsync(Session, signIn: "s2")).SocketAsync(Origin + "/socket", Origin);
        var receive = socket.ReceiveAsync(new byte[10].AsMemory(), Ct).AsTask();
        Server.Revoked["s1"] = true;
        Server.Live.CutSignIn("s1");
        await Assert.ThrowsAsync<WebSocketException>(() => receive).WaitAsync(TimeSpan.FromSeconds(5), Ct);

        // The same user's other browser goes on.
        await other.SendAsync("still here"u8.ToArray(), WebSocketMessageType.Text, true, Ct);
        Assert.Equal((WebSocketMessageType.Text, "still here"), await ReceiveAsync(other));
    }

    private static async Task<(WebSocketMessageType Type, string Text)> ReceiveAsync(ClientWebSocket socket)
    {
        var buffer = new byte[1024];
        var message = await socket.ReceiveAsync(buffer.AsMemory(), Ct);
        return (message.MessageType, Encoding.UTF8.GetString(buffer, 0, message.Count));
    }
}
