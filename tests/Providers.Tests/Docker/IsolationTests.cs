using System.Net;
using System.Net.Sockets;
using Berth.Core.Providers;
using Berth.Core.Sessions;
using Berth.Fakes;
using Berth.Providers.Docker;

namespace Berth.Providers.Tests.Docker;

/// <summary>What a session can reach and do, tried by real traffic from inside one.</summary>
[Trait("Needs", "engine")]
public sealed class IsolationTests(EngineFixture engine) : DockerTests(engine), IClassFixture<EngineFixture>
{
    [Fact]
    public async Task TheMachineReachesASessionDirectly()
    {
        Assert.SkipWhen((await Provider.GetEngineAsync(Ct)).IsRootless, "Its containers' network is apart from the machine's.");
        var (_, address) = await ServeAsync();
        using var http = new HttpClient();
        Assert.Equal("served\n", await http.GetStringAsync(new Uri($"http://{address}:8000/"), Ct));
    }

    [Fact]
    public async Task ASessionReachesNeitherAnotherNorTheMachine()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "Only root may set the firewall.");
        var (neighbour, address) = await ServeAsync();
        var gateway = await GatewayAsync(neighbour);
        using var listener = new TcpListener(IPAddress.Any, 0);
        listener.Start();
        var port = ((IPEndPoint)listener.LocalEndpoint).Port;

        // The neighbour's address does answer, from elsewhere: its silence towards a session means something.
        Assert.True(await AnswersAsync(address, 8000));

        Assert.Equal($"{address} no\n{gateway} no\n1", await ReachAsync($"{address} 8000", $"{gateway} {port}"));
        Assert.Empty(Provider.Warnings);
    }

    [Fact]
    public async Task ASessionReachesTheWorldButNoMetadataService()
    {
        using var world = await OutsideHost.TryMakeAsync(await Engine.BusyboxAsync(), "httpd", "-f", "-p", $"{OutsideHost.Port}", "-h", "/");
        Assert.SkipWhen(world is null, "Needs root and iproute2.");
        foreach (var address in (string[])[OutsideHost.Address, OutsideHost.LinkLocalAddress])
        {
            await Eventually.TrueAsync(() => AnswersAsync(address, OutsideHost.Port), $"the machine itself reaches {address}");
        }

        var said = await ReachAsync($"{OutsideHost.Address} {OutsideHost.Port}", $"{OutsideHost.LinkLocalAddress} {OutsideHost.Port}", "169.254.169.254 80");
        Assert.Equal($"{OutsideHost.Address} yes\n{OutsideHost.LinkLocalAddress} no\n169.254.169.254 no\n1", said);
    }

    [Fact]
    public async Task AnEngineWithoutRootIsSaidToKeepNothingApart()
    {
        Assert.SkipUnless((await Provider.GetEngineAsync(Ct)).IsRootless, "It runs as root.");
        var order = Order("stay");
        await StartAsync(order);
        Assert.Null((await SeenAsync(order.Key, ForeignState.Running)).Address);
        Assert.Contains("the engine runs without root", Provider.Warnings[0]);
    }

    [Fact]
    public async Task TheKernelTellsWhoseAnEngineIs()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "Only root starts programs as others.");
        var path = Path.Combine(Directory.CreateTempSubdirectory("berth-peer-").FullName, "socket");
        File.SetUnixFileMode(Path.GetDirectoryName(path)!, (UnixFileMode)0b111_111_111);
        const string listen = "use IO::Socket::UNIX; my $s = IO::Socket::UNIX->new(Local => $ARGV[0], Listen => 1) or die; $s->accept; sleep 60";
        using var somebody = System.Diagnostics.Process.Start("setpriv", ["--reuid=12345", "--regid=12345", "--clear-groups", "perl", "-e", listen, path]);
        await Eventually.TrueAsync(() => File.Exists(path), "it listens");
        using var socket = await EngineAddress.Parse($"unix://{path}").ConnectAsync(Ct);
        Assert.Equal(new EnginePeer(somebody.Id, 12345), EnginePeer.Of(socket));
        somebody.Kill();
        Directory.Delete(Path.GetDirectoryName(path)!, recursive: true);
    }

    [Fact]
    public async Task ASessionHasNoPrivileges()
    {
        var order = Order("hardening", spec => spec with { Uid = 1000, Gid = 1000 });
        await StartAsync(order);
        var said = await SaidAsync(order.Key);
        Assert.Equal(
            "CapEff:\t0000000000000000\nCapBnd:\t0000000000000000\nNoNewPrivs:\t1",
            said);
    }

    [Fact]
    public async Task RootCanGiveFilesAwayAndLittleElse()
    {
        var order = Order("own");
        await StartAsync(order);
        Assert.Equal("7:7", await SaidAsync(order.Key));

        var hardening = Order("hardening");
        await StartAsync(hardening);
        Assert.Equal("CapEff:\t00000000000000fb\nCapBnd:\t00000000000000fb\nNoNewPrivs:\t1", await SaidAsync(hardening.Key));
    }

    [Fact]
    public async Task OpenFilesAreWithinTheEnginesLimit()
    {
        var order = Order("limits");
        await StartAsync(order);
        var open = long.Parse((await SaidAsync(order.Key)).Split(' ')[3]);
        Assert.InRange(open, 1024, 65536);
    }

    private async Task<(SessionKey Key, string Address)> ServeAsync()
    {
        var order = Order("serve");
        await StartAsync(order);
        var observation = await SeenAsync(order.Key, ForeignState.Running);
        Assert.NotNull(observation.Address);
        await Eventually.TrueAsync(() => AnswersAsync(observation.Address, 8000), "the neighbour serves");
        return (order.Key, observation.Address);
    }

    private static async Task<bool> AnswersAsync(string host, int port)
    {
        try
        {
            using var client = new TcpClient();
            await client.ConnectAsync(host, port, Ct);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    /// <summary>What a session says of addresses ("host port"), and its number of default routes.</summary>
    private async Task<string> ReachAsync(params string[] addresses)
    {
        var folder = Engine.MakeFolder(Guid.NewGuid().ToString("N"));
        await File.WriteAllLinesAsync(Path.Combine(folder, "addresses"), addresses, Ct);
        var order = Order("reach", spec => spec with { HostFolder = new HostFolder(folder, 0, 0) });
        await StartAsync(order);
        return await SaidAsync(order.Key);
    }

    private async Task<string> GatewayAsync(SessionKey key)
    {
        using var answer = System.Text.Json.JsonDocument.Parse(await Engine.CallAsync(HttpMethod.Get, $"/containers/{key.ForeignName}/json"));
        var networks = answer.RootElement.GetProperty("NetworkSettings").GetProperty("Networks");
        return networks.EnumerateObject().Single().Value.GetProperty("Gateway").GetString()!;
    }
}
