using System.Net;
using System.Net.Sockets;
using System.Text;
using Berth.Contracts.Services;
using Berth.Fakes;
using Berth.Tunnel;
using Berth.Tunnel.Resumable;

namespace Berth.Providers.Tests.Agent;

/// <summary>The agent in real bubblewrap, with processes of its own and the machine's network, as where there is no engine.</summary>
public sealed class SharedNetworkTests : AgentProcessTests
{
    private static readonly string[] s_bubblewrap = ["bwrap", "--unshare-pid", "--die-with-parent", "--dev-bind", "/", "/", "--proc", "/proc", "--"];
    private readonly TcpListener _machines = new(IPAddress.Loopback, 0);

    private int Port { get; set; }

    public override async ValueTask InitializeAsync()
    {
        await base.InitializeAsync();
        await File.WriteAllTextAsync(Path.Combine(Workspace, "index.html"), "the session's", Ct);
        _machines.Start();
        Port = ((IPEndPoint)_machines.LocalEndpoint).Port;
        _ = AnswerAsync();
    }

    public override async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        _machines.Dispose();
        await base.DisposeAsync();
    }

    [Fact]
    public async Task WhatTheMachineListensOnIsNotTheSessionsUntilTheSessionItselfListensThere()
    {
        StartServing($"127.0.0.1:{Port}");
        await Eventually.TrueAsync(() => Report?.Detail?.Contains("something else on this machine listens there", StringComparison.Ordinal) == true, "it says whose the port is");
        Assert.False(Report!.Ready);
        await Assert.ThrowsAsync<DialRefusedException>(async () => await AskAsync(await Server.Hub.DialAsync(Id, Port, Ct)));
        Assert.Contains("Nothing listens on port", (await Assert.ThrowsAsync<StreamRefusedException>(ForwardAsync)).Message, StringComparison.Ordinal);

        _machines.Stop();
        await Eventually.TrueAsync(() => Report.Ready, "the session's own front end answers");
        Assert.EndsWith("the session's", await AskAsync(await Server.Hub.DialAsync(Id, Port, Ct)), StringComparison.Ordinal);
        Assert.EndsWith("the session's", await AskAsync(await ForwardAsync()), StringComparison.Ordinal);
    }

    [Fact]
    public async Task OfTwoListenersOnOnePortTheSessionsIsReached()
    {
        Assert.SkipUnless(Socket.OSSupportsIPv6, "There is no second loopback.");
        StartServing($"[::1]:{Port}");
        await Eventually.TrueAsync(() => Report?.Ready is true, "its front end answers");
        Assert.EndsWith("the session's", await AskAsync(await Server.Hub.DialAsync(Id, Port, Ct)), StringComparison.Ordinal);
    }

    // Tries until the port is free.
    private void StartServing(string address) => Start(
        ["sh", "-c", $"until busybox httpd -f -p {address} -h . 2>/dev/null; do sleep 0.05; done"],
        order => order with { Port = Port, SharesNetwork = true }, within: s_bubblewrap);

    private async Task<Stream> ForwardAsync() => await RemoteProcess.StreamAsync(Server, Id, new TcpRequest(Port), new ResumableOptions());

    private static async Task<string> AskAsync(Stream stream)
    {
        await using (stream)
        {
            await stream.WriteAsync("GET /index.html HTTP/1.0\r\n\r\n"u8.ToArray(), Ct);
            using var reader = new StreamReader(stream);
            return await reader.ReadToEndAsync(Ct);
        }
    }

    private async Task AnswerAsync()
    {
        try
        {
            while (true)
            {
                using var client = await _machines.AcceptTcpClientAsync(Ct);
                await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes("HTTP/1.0 200 OK\r\n\r\nthe machine's"), Ct);
            }
        }
        catch (Exception e) when (e is SocketException or IOException or ObjectDisposedException or OperationCanceledException)
        {
            // It listens no more.
        }
    }
}
