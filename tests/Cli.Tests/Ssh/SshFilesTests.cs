using System.Diagnostics;
using System.Net.Sockets;
using Berth.Cli.Ssh;
using Berth.Cli.Tests.House;
using Berth.Contracts.Services;
using Berth.Fakes;

namespace Berth.Cli.Tests.Ssh;

public sealed class SshFilesTests : IDisposable
{
    private readonly DirectoryInfo _home = Directory.CreateTempSubdirectory("berth-ssh-");
    private readonly SshFiles _files;

    public SshFilesTests() => _files = new SshFiles(Command.Nowhere with { Variables = new Dictionary<string, string> { ["HOME"] = _home.FullName } });

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public void Dispose() => _home.Delete(recursive: true);

    [Fact]
    public async Task Many_clients_at_once_lose_no_host_key()
    {
        await Task.WhenAll(Enumerable.Range(0, 20).Select(i => Task.Run(() => _files.PinAsync($"s{i}.berth", $"kind key{i}", Ct))));
        Assert.Equal(20, (await File.ReadAllLinesAsync(_files.KnownHosts, Ct)).Length);
        await _files.PinAsync("s7.berth", "kind another", Ct);
        Assert.Equal(["s7.berth kind another"], (await File.ReadAllLinesAsync(_files.KnownHosts, Ct)).Where(line => line.StartsWith("s7.", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Tells_public_keys_of_the_user_and_its_own_and_nothing_else()
    {
        await _files.EnsureIdentityAsync(Ct);
        var ssh = _home.CreateSubdirectory(".ssh").FullName;
        await File.WriteAllTextAsync(Path.Combine(ssh, "id_ed25519.pub"), "ssh-ed25519 AAAAC3NzaC1l me@home\n", Ct);
        await File.WriteAllTextAsync(Path.Combine(ssh, "token.pub"), "command=\"rm\" ssh-ed25519 AAAAC3NzaC1m\n", Ct);
        await File.WriteAllTextAsync(Path.Combine(ssh, "id_ed25519"), "ssh-ed25519 AAAAC3NzaC1n\n", Ct);
        var keys = await _files.PublicKeysAsync(Ct);
        Assert.Equal(2, keys.Count);
        Assert.True(OpenSshKey.TryRead(keys[0], out _));
        Assert.Equal("ssh-ed25519 AAAAC3NzaC1l", keys[1]);
    }

    [Fact]
    public async Task Tells_public_keys_that_the_users_agent_alone_holds()
    {
        var (key, socket) = (Path.Combine(_home.FullName, "key"), Path.Combine(_home.FullName, "agent"));
        var variables = new Dictionary<string, string> { ["HOME"] = _home.FullName, ["SSH_AUTH_SOCK"] = socket };
        using var agent = Process.Start("ssh-agent", ["-D", "-a", socket]);
        try
        {
            await RunAsync("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "of a card", "-f", key);
            await Eventually.TrueAsync(() => File.Exists(socket), "the agent listens");
            await RunAsync("ssh-add", "-q", key);
            var own = (await File.ReadAllTextAsync($"{key}.pub", Ct)).Split(' ')[1];
            File.Delete(key);
            File.Delete($"{key}.pub");
            Assert.Equal([$"ssh-ed25519 {own}"], await new SshFiles(Command.Nowhere with { Variables = variables }).PublicKeysAsync(Ct));
        }
        finally
        {
            agent.Kill();
        }

        async Task RunAsync(string program, params string[] arguments)
        {
            var start = new ProcessStartInfo(program, arguments);
            start.Environment["SSH_AUTH_SOCK"] = socket;
            using var process = Process.Start(start)!;
            await process.WaitForExitAsync(Ct);
            Assert.Equal(0, process.ExitCode);
        }
    }

    [Theory]
    [InlineData(new byte[0])]                                                  // it hangs up
    [InlineData(new byte[] { 0, 0, 0, 1, 5 })]                                 // a refusal
    [InlineData(new byte[] { 0xff, 0xff, 0xff, 0xff, 12 })]                    // four gigabytes
    [InlineData(new byte[] { 0, 0, 0, 9, 12, 0, 0, 0, 1, 0, 0, 1, 0 })]        // a key that is longer than the answer
    public async Task An_agent_that_is_none_costs_no_login(byte[] answer)
    {
        var path = Path.Combine(_home.FullName, "odd");
        using var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(path));
        listener.Listen();
        var files = new SshFiles(Command.Nowhere with { Variables = new Dictionary<string, string> { ["HOME"] = _home.FullName, ["SSH_AUTH_SOCK"] = path } });
        var asked = files.PublicKeysAsync(Ct);
        using (var agent = await listener.AcceptAsync(Ct))
        {
            await agent.ReceiveAsync(new byte[5].AsMemory(), Ct);
            await agent.SendAsync(answer, Ct);
        }

        Assert.Empty(await asked);
    }
}
