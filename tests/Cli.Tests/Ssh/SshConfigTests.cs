using Berth.Cli.Tests.House;

namespace Berth.Cli.Tests.Ssh;

public sealed class SshConfigTests : IDisposable
{
    private const UnixFileMode Owner = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private readonly Command _berth = new();

    private string Home => Path.GetDirectoryName(_berth.Work)!;

    private string User => Path.Combine(Home, ".ssh/config");

    private string Ours => Path.Combine(_berth.ConfigFolder, "ssh_config");

    public void Dispose() => _berth.Dispose();

    [Fact]
    public async Task Adds_one_line_in_front_once()
    {
        _berth.Write(".ssh/config", "Host old\n    User me\n");
        Assert.Equal(0, (await _berth.RunAsync("ssh-config")).Code);
        Assert.Equal($"# Sessions of Berth, as hosts NAME.berth\nInclude \"{Ours}\"\n\nHost old\n    User me\n", await ReadAsync(User));
        var again = await _berth.RunAsync("ssh-config");
        Assert.Contains("includes it already", again.Error, StringComparison.Ordinal);
        Assert.Single((await ReadAsync(User)).Split('\n'), line => line.StartsWith("Include", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Makes_files_that_ssh_takes_and_nobody_else_reads()
    {
        Assert.Equal(0, (await _berth.RunAsync("ssh-config")).Code);
        Assert.Equal(Owner | UnixFileMode.UserExecute, File.GetUnixFileMode(Path.Combine(Home, ".ssh")));
        foreach (var file in (string[])[User, Ours, Path.Combine(Home, ".local/state/berth/ssh/id_ecdsa")])
            Assert.Equal(Owner, File.GetUnixFileMode(file));
        Assert.StartsWith("ecdsa-sha2-nistp256 AAAA", await ReadAsync(Path.Combine(Home, ".local/state/berth/ssh/id_ecdsa.pub")), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Leaves_a_link_and_its_permissions_as_they_are()
    {
        const UnixFileMode groupReads = Owner | UnixFileMode.GroupRead;
        _berth.Write("dotfiles/ssh", "Host old\n");
        var target = Path.Combine(Home, "dotfiles/ssh");
        File.SetUnixFileMode(target, groupReads);
        Directory.CreateDirectory(Path.Combine(Home, ".ssh"));
        File.CreateSymbolicLink(User, "../dotfiles/ssh");
        Assert.Equal(0, (await _berth.RunAsync("ssh-config")).Code);
        Assert.Equal("../dotfiles/ssh", new FileInfo(User).LinkTarget);
        Assert.EndsWith("\nHost old\n", await ReadAsync(target), StringComparison.Ordinal);
        Assert.Equal(groupReads, File.GetUnixFileMode(target));
    }

    [Fact]
    public async Task A_dry_run_prints_it_and_writes_nothing()
    {
        var dry = await _berth.RunAsync("ssh-config", "--dry-run");
        Assert.Equal(0, dry.Code);
        Assert.StartsWith($"Include \"{Ours}\"\n", dry.Out, StringComparison.Ordinal);
        Assert.Contains("\nHost *.berth \"!*'*\"\n", dry.Out, StringComparison.Ordinal);
        Assert.Contains("    StrictHostKeyChecking yes\n", dry.Out, StringComparison.Ordinal);
        Assert.False(Directory.Exists(Path.Combine(Home, ".ssh")) || File.Exists(Ours));
    }

    private static Task<string> ReadAsync(string file) => File.ReadAllTextAsync(file, TestContext.Current.CancellationToken);
}
