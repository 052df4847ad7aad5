using System.Diagnostics;
using Berth.Providers.Processes;

namespace Berth.Providers.Tests.Processes;

/// <summary>With real bubblewrap, and a folder that stands for an engine's, outside of what each session has anew.</summary>
public sealed class RootViewTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateDirectory($"/var/tmp/berth-r-{Guid.NewGuid():N}");

    public RootViewTests()
    {
        File.WriteAllText(At("beside"), "");
        _folder.CreateSubdirectory("lib").CreateSubdirectory("engine").CreateSubdirectory("merged");
        File.CreateSymbolicLink(At("link"), At("lib/engine"));
    }

    public void Dispose() => _folder.Delete(recursive: true);

    private string At(string name) => Path.Combine(_folder.FullName, name);

    [Theory]
    [InlineData("lib/engine")]
    [InlineData("link")]
    public async Task AnEnginesMountsAreNotSeenAndAllBesideThemIs(string engine)
    {
        Assert.Equal(["beside", "lib", "link"], await SeenAsync(engine, "."));
        Assert.Empty(await SeenAsync(engine, "lib"));
    }

    [Fact]
    public async Task WhereThereIsNoEngineNothingIsLeftOut() => Assert.Equal(["engine"], await SeenAsync("not-there", "lib"));

    private async Task<string[]> SeenAsync(string engine, string folder)
    {
        var view = new RootView([At(engine)]).Arguments();
        using var list = Process.Start(new ProcessStartInfo("bwrap", [.. view, "--proc", "/proc", "--dev", "/dev", "--", "/bin/ls", At(folder)]) { UseShellExecute = false, RedirectStandardOutput = true })!;
        var listed = await list.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await list.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.Equal(0, list.ExitCode);
        return listed.Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }
}
