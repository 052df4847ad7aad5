using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Berth.Core.Providers;
using Berth.Core.Sessions;
using Berth.Providers.Processes;

namespace Berth.Providers.Tests.Processes;

/// <summary>The contract by processes of this machine, in real bubblewrap.</summary>
public sealed class ProcessContractTests : ProviderContract, IAsyncLifetime
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("berth-p-");
    // Not in /tmp, which sessions have one of their own of.
    private readonly DirectoryInfo _secrets = Directory.CreateDirectory($"/var/tmp/berth-hidden-{Guid.NewGuid():N}");
    private readonly ProcessProvider _provider;
    private readonly ProcessProvider _stranger;

    public ProcessContractTests()
    {
        StandInAgent.WriteTo(_folder.CreateSubdirectory("agent").FullName);
        foreach (var file in (string[])["folder/key", "file", "elsewhere/key", "elsewhere-file"])
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Secret(file))!);
            File.WriteAllText(Secret(file), "secret\n");
        }

        File.CreateSymbolicLink(Secret("link-to-folder"), Secret("elsewhere"));
        File.CreateSymbolicLink(Secret("link-to-file"), Secret("elsewhere-file"));
        File.WriteAllText(Secret("no-secret"), "public\n");
        (_provider, _stranger) = (Make("a"), Make("b"));
    }

    protected override ISessionProvider Provider => _provider;

    protected override ISessionProvider Stranger => _stranger;

    protected override string Image => "anything";

    protected override string? HasNoImages => "Whatever the image, the machine's programs run.";

    protected override string? HasOneUser => "Sessions are processes of whoever runs the node.";

    public async ValueTask InitializeAsync() => await _provider.CheckAsync(Ct);

    public async ValueTask DisposeAsync()
    {
        foreach (var provider in (ProcessProvider[])[_provider, _stranger])
        {
            await foreach (var left in provider.ObserveAsync(default))
                await provider.StopAsync(left.Key, StopMode.DeleteWorkspace, default);
        }

        _folder.Delete(recursive: true);
        _secrets.Delete(recursive: true);
    }

    [Fact]
    public async Task AnotherProviderOfTheSameFolderFindsWhatRunsAsAfterARestartOfTheNode()
    {
        var order = Order("stay");
        await StartAsync(order);
        var next = Make("a");
        var found = await ObserveAsync(next, order.Key);
        Assert.Equal(ForeignState.Running, found.State);
        await next.StartAsync(order, new Heard(), Ct);
        Assert.Equal(found, await ObserveAsync(next, order.Key));
        await next.StopAsync(order.Key, StopMode.DeleteWorkspace, Ct);
        Assert.DoesNotContain(await AllAsync(), o => o.Key == order.Key);
    }

    [Fact]
    public async Task AStopThatDeletesLeavesNothingBehindNotEvenWhatACrashHasLeft()
    {
        var order = Order("stay");
        await StartAsync(order);
        var folder = Path.Combine(_folder.FullName, "a", "s", order.Key.SessionId.ToLowerInvariant());
        File.Copy(Path.Combine(folder, "order.json"), Path.Combine(folder, "order.json.0a1b2c3d"));

        await _provider.StopAsync(order.Key, StopMode.DeleteWorkspace, Ct);

        Assert.False(Directory.Exists(folder));
    }

    [Fact]
    public async Task WhereBubblewrapItselfIsKilledTheSessionEndsAndIsSeenToHaveEnded()
    {
        var order = Order("stay");
        await StartAsync(order);
        var first = ProcessOf(order.Key);
        Process.GetProcessById(ParentOf(first)).Kill();
        var end = await SeenAsync(order.Key, ForeignState.Exited);
        Assert.Equal(137, end.ExitCode);
        await Fakes.Eventually.TrueAsync(() => !Directory.Exists($"/proc/{first}"), "its processes ended with it");
    }

    [Fact]
    public async Task WhereItsLauncherIsKilledTheSessionEndsAndNobodyKnowsHow()
    {
        var order = Order("stay");
        await StartAsync(order);
        var first = ProcessOf(order.Key);
        Process.GetProcessById(ParentOf(ParentOf(first))).Kill();
        var end = await SeenAsync(order.Key, ForeignState.Exited);
        Assert.Equal(("gone", null), (end.Words, end.ExitCode));
        await Fakes.Eventually.TrueAsync(() => !Directory.Exists($"/proc/{first}"), "its processes ended with it");
    }

    [Fact]
    public async Task ASessionSeesNeitherSecretsNorOtherProcessesAndWritesToItsWorkspaceAlone()
    {
        Behaviour("look", $$"""
            cd {{_secrets.FullName}}
            cat no-secret folder/key file link-to-folder/key link-to-file elsewhere/key elsewhere-file 2>/dev/null
            kill -0 {{Environment.ProcessId}} 2>/dev/null && grep -q dotnet /proc/{{Environment.ProcessId}}/cmdline && echo sees us
            touch /etc/x /usr/x /x /berth/x /berth-session/x 2>/dev/null && echo writes
            grep CapEff /proc/self/status
            [ -S /run/docker.sock ] && echo engine
            [ -S /var/run/docker.sock ] && echo engine
            env | grep -c -i secret
            touch $WORK/mine /tmp/mine && echo done
            """);
        Environment.SetEnvironmentVariable("BERTH_TEST_SECRET", "secret");
        var order = Order("look");
        await StartAsync(order);
        var said = (await SaidAsync(order.Key)).Split('\n');
        Assert.Contains("public", said);
        Assert.DoesNotContain("secret", said);
        Assert.DoesNotContain("sees us", said);
        Assert.DoesNotContain("writes", said);
        Assert.DoesNotContain("engine", said);
        Assert.Contains("0", said);
        Assert.Contains("CapEff:\t0000000000000000", said);
        Assert.Equal("done", said[^1]);
    }

    [Fact]
    public async Task MemoryOfAProcessIsLimited()
    {
        Behaviour("hungry", "ulimit -d; tail /dev/zero >/dev/null 2>&1 || echo refused");
        var order = Order("hungry");
        await StartAsync(order);
        Assert.Equal($"{256 << 10}\nrefused", await SaidAsync(order.Key));
    }

    [Fact]
    public async Task WhatCannotRunHereIsRefusedWithWhatToDo()
    {
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        var port = ((IPEndPoint)taken.LocalEndpoint).Port;
        await RefusedAsync(spec => spec with { Port = port }, Reason.Refused, $"port {port}");
        await RefusedAsync(spec => spec with { Command = null }, Reason.CommandNotFound, "--command jupyter");
        await RefusedAsync(spec => spec with { MountDirectory = "/usr/no/such/place" }, Reason.Refused, "/usr/no/such/place");
        await RefusedAsync(spec => spec with { HostFolder = new HostFolder("/etc", 0, 0) }, Reason.Refused, "folder");
        await RefusedAsync(spec => spec with { Resources = spec.Resources with { Cpu = 100_000 } }, Reason.NoCapacity, "cores");
    }

    [Fact]
    public async Task APortIsOneSessionsAloneFromItsStartToItsEndWhetherItListensOrNot()
    {
        var first = Order("stay");
        await StartAsync(first);
        await RefusedAsync(spec => spec, Reason.Refused, $"another session of this machine has port {first.Spec.Port}");
        var refusal = await Assert.ThrowsAsync<ProviderException>(() => Make("a").StartAsync(Order("stay"), new Heard(), Ct)); // as after a restart of the node
        Assert.Contains("another session", refusal.Message, StringComparison.Ordinal);

        await StartAsync(Order("stay", spec => spec with { Port = first.Spec.Port + 1 }));
        await StartAsync(Again(first, "stay", generation: 2));
        await Provider.StopAsync(first.Key with { Generation = 2 }, StopMode.KeepWorkspace, Ct);
        await StartAsync(Order("stay"));
    }

    [Fact]
    public async Task AMachineWithoutBubblewrapSaysWhatToInstall()
    {
        var refusal = await Assert.ThrowsAsync<ProviderException>(() => Make("c", "no-such-bwrap").CheckAsync(Ct));
        Assert.Contains("apt install bubblewrap", refusal.Message, StringComparison.Ordinal);
        var started = await Assert.ThrowsAsync<ProviderException>(() => Make("c", "no-such-bwrap").StartAsync(Order("stay"), new Heard(), Ct));
        Assert.Contains("no-such-bwrap", started.Message, StringComparison.Ordinal);
        Assert.Empty(await AllOfAsync(Make("c")));
    }

    protected override Task KillAsync(SessionKey key)
    {
        Process.GetProcessById(ProcessOf(key)).Kill();
        return Task.CompletedTask;
    }

    protected override Task CutShortAsync(StartOrder order)
    {
        Directory.CreateDirectory(RunOf(order.Key));
        return Task.CompletedTask;
    }

    protected override Task<string?> CannotTellWantOfMemoryAsync() => Task.FromResult<string?>("A process that gets no more memory ends as it likes.");

    protected override Task<string?> CannotLimitAsync() => Task.FromResult<string?>("Memory is limited for each process alone, and the processor not.");

    private async Task RefusedAsync(Func<SessionSpec, SessionSpec> change, Reason reason, string words)
    {
        var order = Order("stay", change);
        var refusal = await Assert.ThrowsAsync<ProviderException>(() => StartAsync(order));
        Assert.Equal(reason, refusal.Reason);
        Assert.Contains(words, refusal.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(await AllAsync(), o => o.Key == order.Key);
    }

    private void Behaviour(string name, string script) => File.WriteAllText(Path.Combine(_folder.FullName, "agent", name), script + "\n");

    private string Secret(string name) => Path.Combine(_secrets.FullName, name);

    private string RunOf(SessionKey key) => Path.Combine(_folder.FullName, "a", "runs", key.ForeignName);

    private int ProcessOf(SessionKey key) => new Run(RunOf(key), key).Read().Process!.Value;

    private static int ParentOf(int process) => int.Parse(File.ReadAllText($"/proc/{process}/stat").Split(')')[^1].Split(' ')[2], System.Globalization.CultureInfo.InvariantCulture);

    private static async Task<Observation> ObserveAsync(ProcessProvider provider, SessionKey key) => Assert.Single(await AllOfAsync(provider), o => o.Key == key);

    private static async Task<List<Observation>> AllOfAsync(ProcessProvider provider)
    {
        var all = new List<Observation>();
        await foreach (var observation in provider.ObserveAsync(Ct))
            all.Add(observation);
        return all;
    }

    private ProcessProvider Make(string name, string bubblewrap = "bwrap") => new(
        new ProcessOptions
        {
            AgentFolder = Path.Combine(_folder.FullName, "agent"),
            SessionsFolder = Path.Combine(_folder.FullName, name, "s"),
            DataFolder = Path.Combine(_folder.FullName, name),
            Hidden = [Path.Combine(_folder.FullName, name), .. new[] { "folder", "file", "link-to-folder", "link-to-file", "not-there" }.Select(Secret)],
            Bubblewrap = bubblewrap,
        },
        TimeProvider.System);
}
