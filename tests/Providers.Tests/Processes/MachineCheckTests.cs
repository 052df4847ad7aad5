using Berth.Core.Providers;
using Berth.Providers.Processes;

namespace Berth.Providers.Tests.Processes;

/// <summary>With real bubblewrap behind a script that notes each run of it.</summary>
public sealed class MachineCheckTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("berth-c-");
    private readonly MachineCheck _check;
    private int _versions;

    public MachineCheckTests()
    {
        Install("exec bwrap \"$@\"");
        _check = new MachineCheck(Bubblewrap, new RootView([]));
    }

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private string Bubblewrap => Path.Combine(_folder.FullName, "bwrap");

    private int Runs => File.Exists(Path.Combine(_folder.FullName, "runs")) ? File.ReadAllLines(Path.Combine(_folder.FullName, "runs")).Length : 0;

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task AMachineThatLetsSessionsBeProcessesIsNotAskedAgainUntilAProgramIsAnother()
    {
        Assert.StartsWith("bubblewrap ", await _check.RunAsync(Ct), StringComparison.Ordinal);
        var asked = Runs;
        Assert.NotEqual(0, asked);

        Assert.StartsWith("bubblewrap ", await _check.RunAsync(Ct), StringComparison.Ordinal);
        Assert.Equal(asked, Runs);

        Install("[ \"$1\" = --version ] && echo bubblewrap 99 || exec bwrap \"$@\"");
        Assert.Equal("bubblewrap 99", await _check.RunAsync(Ct));
        File.Delete(Bubblewrap);
        await Assert.ThrowsAsync<ProviderException>(() => _check.RunAsync(Ct));
    }

    [Fact]
    public async Task AMachineThatDoesNotIsAskedEachTime()
    {
        Install("echo no permission >&2; exit 1");
        for (var times = 1; times <= 2; times++)
        {
            Assert.Contains("no permission", (await Assert.ThrowsAsync<ProviderException>(() => _check.RunAsync(Ct))).Message, StringComparison.Ordinal);
            Assert.Equal(times, Runs);
        }
    }

    private void Install(string script)
    {
        File.WriteAllText(Bubblewrap, $"#!/bin/sh\necho run >>{_folder.FullName}/runs\n{script}\n");
        File.SetUnixFileMode(Bubblewrap, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        File.SetLastWriteTimeUtc(Bubblewrap, DateTime.UnixEpoch.AddDays(++_versions)); // clocks of file systems are coarse
    }
}
