using Berth.Cli.Ssh;
using Berth.Cli.Tests.House;
using Berth.Contracts.Services;

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
        var keys = _files.PublicKeys();
        Assert.Equal(2, keys.Count);
        Assert.True(OpenSshKey.TryRead(keys[0], out _));
        Assert.Equal("ssh-ed25519 AAAAC3NzaC1l", keys[1]);
    }
}
