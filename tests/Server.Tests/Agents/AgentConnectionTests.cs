using System.Net.Sockets;
using System.Text;
using Berth.Server.Agents;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Berth.Server.Tests.Agents;

/// <summary>A session's socket as Kestrel sees it: what it is promised of a connection.</summary>
public sealed class AgentConnectionTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("berth-connection-");

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task WhatIsWrittenIsReadBothWays()
    {
        var (connection, agent) = await PairAsync();
        await using var _ = connection;
        using var end = agent;
        await agent.SendAsync("GET /"u8.ToArray(), Ct);
        var read = await connection.Transport.Input.ReadAsync(Ct);
        Assert.Equal("GET /", Encoding.ASCII.GetString(read.Buffer));
        connection.Transport.Input.AdvanceTo(read.Buffer.End);
        await connection.Transport.Output.WriteAsync("101"u8.ToArray(), Ct);
        var answer = new byte[3];
        Assert.Equal(3, await agent.ReceiveAsync(answer, Ct));
        Assert.Equal("101", Encoding.ASCII.GetString(answer));
    }

    [Fact]
    public async Task AnAbortEndsTheReadThatWaitsAndIsTold()
    {
        var (connection, agent) = await PairAsync();
        using var end = agent;
        var reading = connection.Transport.Input.ReadAsync(Ct);
        var closed = new TaskCompletionSource();
        connection.ConnectionClosed.Register(closed.SetResult);

        connection.Abort(new ConnectionAbortedException());

        Assert.True((await reading).IsCompleted);
        await closed.Task.WaitAsync(Ct);
        Assert.Equal(0, await agent.ReceiveAsync(new byte[1], Ct));
        await connection.DisposeAsync();
        connection.Abort(new ConnectionAbortedException());
    }

    [Fact]
    public async Task ItsPlaceIsGivenBackOnce()
    {
        var ended = 0;
        var (connection, agent) = await PairAsync(() => ended++);
        using var end = agent;
        await connection.DisposeAsync();
        await connection.DisposeAsync();
        Assert.Equal(1, ended);
        Assert.True(connection.ConnectionClosed.IsCancellationRequested);
        Assert.Equal(0, await agent.ReceiveAsync(new byte[1], Ct));
    }

    [Fact]
    public async Task WhatNobodyReadsAnyMoreIsDroppedAndEndsTheConnection()
    {
        var (connection, agent) = await PairAsync();
        await using var _ = connection;
        using var end = agent;
        // It goes on asking.
        agent.Shutdown(SocketShutdown.Receive);
        await agent.SendAsync("GET /"u8.ToArray(), Ct);

        await connection.Transport.Output.WriteAsync("HTTP/1.1 404"u8.ToArray(), Ct);

        Assert.True(connection.ConnectionClosed.IsCancellationRequested);
        var read = await connection.Transport.Input.ReadAsync(Ct);
        connection.Transport.Input.AdvanceTo(read.Buffer.End);
        Assert.True((await connection.Transport.Input.ReadAsync(Ct)).IsCompleted);
        await Assert.ThrowsAsync<SocketException>(async () => await agent.SendAsync("GET /"u8.ToArray(), Ct));
    }

    [Fact]
    public async Task AnAnswerThatCameBeforeTheEndIsReadThoughMoreWasWritten()
    {
        var (connection, agent) = await PairAsync();
        var context = new DefaultHttpContext();
        context.Features.Set(connection);
        context.Features.Set<IHttpUpgradeFeature>(new Upgradable());
        await AgentConnection.UseBytesAsync(context, _ => Task.CompletedTask);
        await using var bytes = await context.Features.GetRequiredFeature<IHttpUpgradeFeature>().UpgradeAsync();
        await agent.SendAsync("413"u8.ToArray(), Ct);
        agent.Dispose();

        await bytes.WriteAsync(new byte[100], Ct);

        var answer = new byte[10];
        Assert.Equal(3, await bytes.ReadAsync(answer, Ct));
        Assert.Equal("413", Encoding.ASCII.GetString(answer, 0, 3));
        Assert.Equal(0, await bytes.ReadAsync(answer, Ct));
        Assert.False(connection.ConnectionClosed.IsCancellationRequested);
        await connection.DisposeAsync();
    }

    private async Task<(AgentConnection Connection, Socket Agent)> PairAsync(Action? over = null)
    {
        using var listening = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        var address = new UnixDomainSocketEndPoint(Path.Combine(_folder.FullName, "socket"));
        listening.Bind(address);
        listening.Listen();
        var agent = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await agent.ConnectAsync(address, Ct);
        return (new AgentConnection("01J", await listening.AcceptAsync(Ct), over ?? (() => { })), agent);
    }

    private sealed class Upgradable : IHttpUpgradeFeature
    {
        public bool IsUpgradableRequest => true;

        public Task<Stream> UpgradeAsync() => Task.FromResult(Stream.Null);
    }
}
