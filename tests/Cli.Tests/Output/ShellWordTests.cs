using System.Diagnostics;
using Berth.Cli.Output;

namespace Berth.Cli.Tests.Output;

public sealed class ShellWordTests
{
    [Theory]
    [InlineData("data/model-2.bin", "data/model-2.bin")]
    [InlineData("nb:", "nb:")]
    [InlineData("my file", "'my file'")]
    [InlineData("~/x", "'~/x'")]
    [InlineData("", "''")]
    public void A_word_is_quoted_where_it_needs_it(string word, string typed) => Assert.Equal(typed, ShellWord.Of(word));

    [Theory]
    [InlineData("it's")]
    [InlineData("$(id) `id` \"$HOME\" \\ ; & | > * ? [a] {b,c} #!")]
    [InlineData("two\nlines")]
    public async Task A_shell_reads_it_as_it_was(string word)
    {
        using var shell = Process.Start(new ProcessStartInfo("/bin/sh", ["-c", $"printf %s {ShellWord.Of(word)}"]) { RedirectStandardOutput = true, UseShellExecute = false })!;
        Assert.Equal(word, await shell.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken));
    }
}
