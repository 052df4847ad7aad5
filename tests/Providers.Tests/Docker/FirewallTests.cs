using System.Diagnostics;
using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using System.Text.Json;
using Berth.Core.Providers;
using Berth.Core.Sessions;
using Berth.Fakes;
using Berth.Providers.Docker;

namespace Berth.Providers.Tests.Docker;

/// <summary>What a session can reach of a machine on which more goes on than Berth: tried from a running session's own network.</summary>
[Trait("Needs", "engine")]
public sealed class FirewallTests(EngineFixture engine) : DockerTests(engine), IClassFixture<EngineFixture>
{
    // A proxy on the way may take any connection: only who says this was reached.
    private const string Greeting = "jane";

    private static string[] OfTheMachine =>
    [
        .. NetworkInterface.GetAllNetworkInterfaces().SelectMany(i => i.GetIPProperties().UnicastAddresses)
            .Select(a => a.Address.ToString()).Where(a => !a.StartsWith("fe80", StringComparison.Ordinal)).Except(["127.0.0.1", "::1"]),
    ];

    [Fact]
    public async Task NoAddressOfTheMachineIsReachedAlsoNotOneThatCameLater()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "Only root may set the firewall.");
        using var service = new GreetingService();
        var session = await RunAsync();
        using var later = new Bridge("berth-later", "198.18.78.1/30");

        await GreetsItselfAsync("198.18.78.1", service.Port);
        await Task.WhenAll(OfTheMachine.Select(async address => Assert.False(await GreetsAsync(session, address, service.Port), address)));
    }

    [Fact]
    public async Task NoContainerOfAnotherEngineIsReachedAlsoNotThroughAPortOfTheMachine()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "Only root may set the firewall.");
        var before = await RunAsync();
        await using var other = await OtherEngine.TryFindAsync(Engine);
        Assert.SkipWhen(other is null, "There is no other engine.");
        var (address, port, published) = await other.ServeAsync();
        var after = await RunAsync();

        await GreetsItselfAsync(address, port);
        await GreetsItselfAsync(await GatewayAsync(before), published);
        (string, int)[] ways = [(address, port), .. OfTheMachine.Where(a => !a.Contains(':')).Select(a => (a, published))];
        await Task.WhenAll(ways.Select(async way =>
        {
            var (host, at) = way;
            Assert.False(await GreetsAsync(before, host, at), $"{host}:{at}, from a session that was there before");
            Assert.False(await GreetsAsync(after, host, at), $"{host}:{at}, from a session that came after");
        }));
    }

    [Fact]
    public async Task RulesThatAreGoneAreSetAgainWhileSessionsRun()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "Only root may set the firewall.");
        using var service = new GreetingService();
        var session = await RunAsync();
        var gateway = await GatewayAsync(session);
        var clock = new ManualClock(DateTimeOffset.UnixEpoch);
        using var provider = new DockerProvider(Engine.Options(Engine.Installation), clock);
        await LookAsync(provider);

        var bridge = new DockerLabels(Engine.Installation).Bridge;
        Assert.Equal(0, (await RanAsync("iptables", "-w", "-D", "INPUT", "-i", bridge, "-m", "conntrack", "!", "--ctstate", "RELATED,ESTABLISHED", "-j", "REJECT")).Code);
        Assert.True(await GreetsAsync(session, gateway, service.Port), "without the rule the machine is reached");

        clock.Advance(TimeSpan.FromMinutes(1));
        await LookAsync(provider);
        Assert.False(await GreetsAsync(session, gateway, service.Port));
    }

    [Fact]
    public async Task AFirewallThatSomebodyHoldsIsWaitedForSoLongAndThenToldOf()
    {
        const string legacy = "/usr/sbin/iptables-legacy";
        Assert.SkipUnless(Environment.IsPrivilegedProcess && File.Exists(legacy), "Takes root, and an iptables that has a lock.");
        var folder = Directory.CreateTempSubdirectory("berth-w-");
        // The real program, with a lock of its own: the machine's is everybody's.
        var (program, locked) = (Path.Combine(folder.FullName, "iptables"), Path.Combine(folder.FullName, "lock"));
        await File.WriteAllTextAsync(program, $"#!/bin/sh\nXTABLES_LOCKFILE={locked} exec {legacy} \"$@\"\n", Ct);
        File.SetUnixFileMode(program, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        // .NET locks a file that is nobody else's as flock(2) has it.
        await using (new FileStream(locked, FileMode.Create, FileAccess.ReadWrite, FileShare.None))
        {
            var why = await new Firewall("berth-none", program, patience: 1).EnsureAsync(podman: true, Ct);
            Assert.Contains(": another program has held the firewall's lock for 1 s. To shut them out,", why, StringComparison.Ordinal);
            Assert.Contains("type as root: iptables -I INPUT -i berth-none ", why, StringComparison.Ordinal);
        }

        folder.Delete(recursive: true);
    }

    [Fact]
    public void AWayOutThatIsABridgeIsKnown() => Assert.Equal(
        ["br-ex"],
        Firewall.WaysOut(["Iface\tDestination\tGateway \tFlags", "br-ex\t00000000\t010011AC\t0003", "docker0\t000011AC\t00000000\t0001"]));

    /// <summary>The machine itself is greeted there, so that a session's silence means something.</summary>
    private Task GreetsItselfAsync(string host, int port) =>
        Eventually.TrueAsync(() => GreetsAsync(null, host, port), $"the machine itself is greeted at {host}:{port}");

    private static async Task LookAsync(DockerProvider provider)
    {
        await foreach (var _ in provider.ObserveAsync(Ct))
        {
        }
    }

    private async Task<SessionKey> RunAsync()
    {
        var order = Order("stay");
        await StartAsync(order);
        await SeenAsync(order.Key, ForeignState.Running);
        return order.Key;
    }

    /// <summary>Whether who is reached there greets; asked from the session's network, or from the machine's own.</summary>
    private async Task<bool> GreetsAsync(SessionKey? session, string host, int port)
    {
        const string ask = "exec 3<>\"/dev/tcp/$0/$1\" && printf 'GET /passwd HTTP/1.0\\r\\n\\r\\n' >&3 && exec cat <&3";
        string[] words = ["timeout", "3", "bash", "-c", ask, host, $"{port}"];
        if (session is { } key)
            words = ["nsenter", "--net", "--target", (await InspectAsync(key)).GetProperty("State").GetProperty("Pid").ToString(), .. words];
        return (await RanAsync(words[0], words[1..])).Out.Contains(Greeting, StringComparison.Ordinal);
    }

    private async Task<string> GatewayAsync(SessionKey key) =>
        (await InspectAsync(key)).GetProperty("NetworkSettings").GetProperty("Networks").EnumerateObject().Single().Value.GetProperty("Gateway").GetString()!;

    private async Task<JsonElement> InspectAsync(SessionKey key) =>
        JsonSerializer.Deserialize<JsonElement>(await Engine.CallAsync(HttpMethod.Get, $"/containers/{key.ForeignName}/json"));

    private static async Task<(int Code, string Out)> RanAsync(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true })!;
        var error = process.StandardError.ReadToEndAsync(Ct);
        var said = await process.StandardOutput.ReadToEndAsync(Ct);
        await error;
        await process.WaitForExitAsync(Ct);
        return (process.ExitCode, said);
    }

    /// <summary>A network of the machine's, with an address of its own.</summary>
    private sealed class Bridge : IDisposable
    {
        private readonly string name;

        public Bridge(string name, string address)
        {
            this.name = name;
            foreach (var step in (string[])[$"link add {name} type bridge", $"address add {address} dev {name}", $"link set {name} up"])
                Ip(step);
        }

        public void Dispose() => Ip($"link delete {name}");

        private static void Ip(string arguments)
        {
            using var process = Process.Start("ip", arguments);
            process.WaitForExit();
            Assert.Equal(0, process.ExitCode);
        }
    }

    /// <summary>A service of the machine on all its addresses.</summary>
    private sealed class GreetingService : IDisposable
    {
        private readonly TcpListener listener = new(IPAddress.IPv6Any, 0);

        public GreetingService()
        {
            listener.Server.DualMode = true;
            listener.Start();
            _ = GreetAsync();
        }

        public int Port => ((IPEndPoint)listener.LocalEndpoint).Port;

        public void Dispose() => listener.Dispose();

        private async Task GreetAsync()
        {
            try
            {
                while (true)
                {
                    using var caller = await listener.AcceptTcpClientAsync();
                    using var reader = new StreamReader(caller.GetStream());
                    while (await reader.ReadLineAsync() is { Length: > 0 })
                    {
                        // The whole question: an end with some of it unread would lose the answer.
                    }

                    await caller.GetStream().WriteAsync("jane\n"u8.ToArray());
                }
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException or IOException or OperationCanceledException)
            {
                // It is closed.
            }
        }
    }
}
