using System.Diagnostics;

namespace Berth.Cli.Tests.Servers;

/// <summary>The shell script that stands before the program.</summary>
public sealed class LauncherScriptTests : IDisposable
{
    private const UnixFileMode Runnable = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    private readonly string _folder = Directory.CreateTempSubdirectory("berth-sh-").FullName;
    private readonly string _berth;

    public LauncherScriptTests()
    {
        var home = Directory.CreateDirectory(Path.Combine(_folder, "a folder")).FullName;
        _berth = Path.Combine(home, "berth");
        File.WriteAllText(_berth, File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "berth.sh")).Replace("@VERSION@", "1.2.3", StringComparison.Ordinal));
        File.SetUnixFileMode(_berth, Runnable);
        var program = Path.Combine(home, "berth-cli");
        File.WriteAllText(program, "#!/bin/sh\nfor argument; do echo \"<$argument>\"; done\nexit 6\n");
        File.SetUnixFileMode(program, Runnable);
    }

    [Fact]
    public async Task Answers_for_its_version_and_only_for_that_alone()
    {
        Assert.Equal((0, "berth 1.2.3\n"), await RunAsync(_berth, "--version"));
        Assert.Equal((6, "<--version>\n<x>\n"), await RunAsync(_berth, "--version", "x"));
    }

    [Fact]
    public async Task Passes_arguments_and_exit_code_as_they_are() =>
        Assert.Equal((6, "<session>\n<a b>\n<>\n<$HOME \"*\">\n"), await RunAsync(_berth, "session", "a b", "", "$HOME \"*\""));

    [Fact]
    public async Task Finds_its_program_through_symbolic_links_and_the_path()
    {
        var bin = Directory.CreateDirectory(Path.Combine(_folder, "bin")).FullName;
        File.CreateSymbolicLink(Path.Combine(bin, "first"), _berth);
        File.CreateSymbolicLink(Path.Combine(bin, "second"), "first");
        Assert.Equal((6, "<x>\n"), await RunAsync(Path.Combine(bin, "second"), "x"));
        Assert.Equal((6, "<x>\n"), await RunAsync("/bin/sh", "-c", $"PATH='{bin}':$PATH; second x"));
        Assert.Equal((6, "<x>\n"), await RunAsync("/bin/sh", "-c", $"cd '{Path.GetDirectoryName(_berth)}'; sh berth x"));
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static async Task<(int Code, string Out)> RunAsync(string program, params string[] args)
    {
        using var process = Process.Start(new ProcessStartInfo(program, args) { RedirectStandardOutput = true, UseShellExecute = false })!;
        var text = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        return (process.ExitCode, text);
    }
}
