using Berth.Core.Sessions;
using Berth.Providers.Processes;

namespace Berth.Providers.Tests.Processes;

/// <summary>What sessions see of a home folder that has a secret in every place where programs keep them.</summary>
public sealed class HomeViewTests : ProcessSessions
{
    private static readonly string[] s_secrets =
    [
        ".ssh/id_ed25519", ".netrc", ".git-credentials", ".pgpass", ".npmrc", ".pypirc", ".bash_history", ".config/gh/hosts.yml", ".config/rclone/rclone.conf", ".config/containers/auth.json",
        ".mozilla/firefox/logins.json", ".config/chromium/Login Data", "snap/firefox/logins.json", ".local/share/keyrings/login.keyring", ".local/share/jupyter/runtime/jpserver-1.json",
        ".conda/token", ".julia/servers/auth.toml", ".cargo/credentials.toml", ".some-new-program/token", ".local/share/berth-node/token",
    ];

    private static readonly string[] s_seen =
        ["notes.txt", "data/measured.csv", "miniconda3/bin/python", ".local/bin/tool", ".local/lib/python3/site.py", ".conda/envs/mine/bin/python", ".pyenv/shims/python", ".cargo/bin/cargo", ".own/env/bin/python"];

    // Not in /tmp, which sessions have one of their own of; behind a link, as homes on a network are.
    private readonly DirectoryInfo _place = Directory.CreateDirectory($"/var/tmp/berth-home-{Guid.NewGuid():N}");
    private readonly ProcessProvider _provider;

    public HomeViewTests()
    {
        foreach (var file in s_secrets.Concat(s_seen))
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Mine(file))!);
            File.WriteAllText(Mine(file), $"content of {file}\n");
        }

        File.CreateSymbolicLink(Path.Combine(_place.FullName, "link"), Path.Combine(_place.FullName, "homes"));
        File.CreateSymbolicLink(Mine("to-data"), "data");
        File.CreateSymbolicLink(Mine(".venvs"), Mine("data"));
        File.CreateSymbolicLink(Mine("to-secret"), Mine(".ssh"));
        Environment.SetEnvironmentVariable("VIRTUAL_ENV", Path.Combine(Home, ".own/env"));
        _provider = Make(options => options with { Home = Home, Hidden = [Mine(".local/share/berth-node")] });
    }

    private string Home => Path.Combine(_place.FullName, "link/bob");

    public override async ValueTask DisposeAsync()
    {
        Environment.SetEnvironmentVariable("VIRTUAL_ENV", null);
        await base.DisposeAsync();
        _place.Delete(recursive: true);
        GC.SuppressFinalize(this);
    }

    [Fact]
    public async Task DataAndProgramsAreSeenAndNoPlaceOfSecretsIs()
    {
        var said = await SaidAsync(_provider, await StartAsync(_provider, $"""
            cd {Home}
            for file in {string.Join(' ', s_secrets.Concat(s_seen).Append("to-data/measured.csv").Append(".venvs/measured.csv").Append("to-secret/id_ed25519").Select(file => $"'{file}'"))}; do cat "$file" 2>/dev/null; done
            touch new data/new .local/bin/new 2>/dev/null && echo writes
            echo done
            """));
        Assert.Equal([.. s_seen.Select(file => $"content of {file}"), "content of data/measured.csv", "content of data/measured.csv", "done"], said);
    }

    [Fact]
    public async Task ASecretThatIsWrittenWhileTheSessionRunsIsNotSeenEither()
    {
        var key = await StartAsync(_provider, $"""
            until [ -e $WORK/go ]; do sleep 0.05; done
            cat {Home}/.netrc {Home}/.vault-token {Home}/.config/new/token 2>/dev/null
            cat {Home}/data/later
            """);
        await File.WriteAllTextAsync(Mine(".netrc.new"), "renewed", Ct);
        File.Move(Mine(".netrc.new"), Mine(".netrc"), overwrite: true); // as programs do, so that none reads half of it
        await File.WriteAllTextAsync(Mine(".vault-token"), "secret", Ct);
        await File.WriteAllTextAsync(Path.Combine(Directory.CreateDirectory(Mine(".config/new")).FullName, "token"), "secret", Ct);
        await File.WriteAllTextAsync(Mine("data/later"), "written later", Ct);
        await File.WriteAllTextAsync(Path.Combine(WorkOf(key), "go"), "", Ct);
        Assert.Equal(["written later"], await SaidAsync(_provider, key));
    }

    [Fact]
    public async Task AWorkspaceInThePlaceOfTheHomeFolderOrAboveItCanBeWritten()
    {
        foreach (var place in (string[])[Mine("").TrimEnd('/'), Path.Combine(_place.FullName, "homes")])
            Assert.Equal(["file"], await SaidAsync(_provider, await StartAsync(_provider, "echo mine >$WORK/file; ls -A $WORK; cat $WORK/.netrc 2>/dev/null", place)));
    }

    private string WorkOf(SessionKey key) => At($"data/work/{key.SessionId.ToLowerInvariant()}");

    private string Mine(string name) => Path.Combine(_place.FullName, "homes/bob", name);
}
