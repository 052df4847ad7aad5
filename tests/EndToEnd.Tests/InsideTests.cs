using System.Diagnostics;
using System.Security.Cryptography;
using Berth.Contracts.Sessions;
using Berth.EndToEnd.Tests.House;
using Berth.Fakes;

namespace Berth.EndToEnd.Tests;

/// <summary>Commands and shells in a real session, by the command as it is published.</summary>
public sealed class InsideTests(CutServer server) : IClassFixture<CutServer>
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_command_gets_input_and_gives_output_and_exit_code()
    {
        var session = await server.StartEchoAsync("exec");
        var ran = await server.BerthAsync("session", "exec", "exec", "--env", "WORD=a b", "--", "sh", "-c", "echo \"$WORD\"; pwd; busybox id -u; echo oops >&2; exit 42");
        Assert.Equal((42, "a b\n/work\n1234\n", "oops\n"), (ran.Code, ran.Out, ran.Error));

        var missing = await server.BerthAsync("session", "exec", "exec", "--", "nothing");
        Assert.Equal(127, missing.Code);
        Assert.Contains("It cannot be run in session 'exec': nothing is not in the image", missing.Error, StringComparison.Ordinal);

        var killed = await server.BerthAsync("session", "exec", "exec", "--", "sh", "-c", "kill -9 $$");
        Assert.Equal(137, killed.Code);
        Assert.Equal(2, (await server.BerthAsync("session", "exec", "exec")).Code);
        Assert.Equal(2, (await server.BerthAsync("session", "exec", "exec", "--tty", "--", "sh")).Code);
        Assert.Equal(4, (await server.BerthAsync("session", "exec", "nobody", "--", "true")).Code);
        await server.RemoveAsync(session.Id);
    }

    [Fact]
    public async Task Bytes_pass_both_ways_as_they_are_though_the_line_is_cut()
    {
        var session = await server.StartEchoAsync("bytes");
        var random = new Random(3);
        var before = server.Relay.Cuts;
        server.Relay.CutAfter = () => server.Relay.Cuts - before < 5 ? random.Next(200_000, 5_000_000) : null;
        var bytes = new byte[30_000_000];
        random.NextBytes(bytes);
        using var process = Open(server.Far, "session", "exec", "bytes", "--", "busybox", "cat");
        var writing = Task.Run(async () =>
        {
            await process.StandardInput.BaseStream.WriteAsync(bytes, Ct);
            process.StandardInput.Close();
        }, Ct);
        var hash = await SHA256.HashDataAsync(process.StandardOutput.BaseStream, Ct);
        var said = await process.StandardError.ReadToEndAsync(Ct);
        Assert.True(await Task.WhenAny(writing) is { IsCompletedSuccessfully: true }, said);
        await process.WaitForExitAsync(Ct);
        server.Relay.CutAfter = () => null;
        Assert.Equal((0, Convert.ToHexString(SHA256.HashData(bytes))), (process.ExitCode, Convert.ToHexString(hash)));
        Assert.InRange(server.Relay.Cuts - before, 5, 7);
        await server.RemoveAsync(session.Id);
    }

    [Fact]
    public async Task It_ends_when_nobody_reads_it_any_more()
    {
        var session = await server.StartEchoAsync("unread");
        var ran = await Ran.ToEndAsync("sh", ["-c", $"{Published.Command} session exec unread -- busybox yes | head -n 1"], server.Near);
        Assert.Equal((0, "y\n", ""), (ran.Code, ran.Out, ran.Error));

        // Into a file that others write to, too.
        var file = Path.Combine(server.DataFolder, "both");
        await Ran.ToEndAsync("sh", ["-c", $"{{ echo first; {Published.Command} session exec unread -- sh -c 'echo out; echo err >&2'; echo last; }} >{file} 2>&1"], server.Near);
        Assert.Equal(["err", "first", "last", "out"], (await File.ReadAllLinesAsync(file, Ct)).Order(StringComparer.Ordinal));
        await server.RemoveAsync(session.Id);
    }

    [Fact]
    public async Task A_terminal_is_as_before_when_the_command_is_ended_from_outside()
    {
        var session = await server.StartEchoAsync("ended");
        await using var screen = await Screen.OpenAsync(server.Near);
        await screen.TypeAsync($"clear; sh -c 'echo pid=$$.; exec {Published.Command} session shell ended'\n");
        await screen.UntilAsync("~ $");
        var pid = System.Text.RegularExpressions.Regex.Match(await screen.ReadAllAsync(), @"pid=(\d+)\.").Groups[1].Value;
        await Ran.WellAsync("kill", "-TERM", pid);
        await screen.UntilAsync("~ $ here$");
        await screen.TypeAsync("stty -a | grep -o ' echo \\| icanon '; echo typed-$((1 + 1))\n");
        await screen.UntilAsync("typed-2");
        Assert.Contains(" echo", await screen.ReadAsync(), StringComparison.Ordinal);
        Assert.Contains(" icanon", await screen.ReadAsync(), StringComparison.Ordinal);
        await server.RemoveAsync(session.Id);
    }

    [Fact]
    public async Task Ctrl_C_is_for_the_command_in_the_session()
    {
        var session = await server.StartEchoAsync("signal");
        using var process = Open(server.Near, "session", "exec", "signal", "--", "sh", "-c", "trap 'echo caught; exit 9' INT; echo ready; while :; do busybox sleep 0.1; done");
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(Ct);
        patience.CancelAfter(TimeSpan.FromSeconds(30)); // a background job of a shell ignores the signal, and so do its children
        Assert.Equal("ready", await process.StandardOutput.ReadLineAsync(patience.Token));
        await Ran.WellAsync("kill", "-INT", $"{process.Id}");
        Assert.Equal("caught", await process.StandardOutput.ReadLineAsync(patience.Token));
        await process.WaitForExitAsync(patience.Token);
        Assert.Equal(9, process.ExitCode);
        await server.RemoveAsync(session.Id);
    }

    [Fact]
    public async Task A_shell_at_a_terminal_is_left_and_come_back_to()
    {
        var session = await server.StartEchoAsync("shell");
        await using var screen = await Screen.OpenAsync(server.Far);
        await screen.TypeAsync($"{Published.Command} session shell shell\n");
        await screen.UntilAsync("~ $");
        await screen.TypeAsync("word=kept; busybox stty size; echo it-is-$((40 + 2))\n");
        await screen.UntilAsync("24 80");
        await screen.UntilAsync("it-is-42");
        await screen.ResizeAsync(100, 30);
        await screen.TypeAsync("busybox stty size\n");
        await screen.UntilAsync("30 100");

        await screen.TypeAsync("\n~.");
        await screen.UntilAsync("Come back with `berth session shell shell --terminal 1`.");
        Assert.Equal("1", (await server.BerthAsync("session", "shell", "shell", "--list", "-o", "name")).Line);

        // A server that is killed meanwhile does not end it.
        await server.KillAsync();
        await server.StartAsync();
        await server.UntilAsync(session.Id, s => s.Berth.Status == "running", "it runs");
        await screen.TypeAsync("clear\n");
        await screen.TypeAsync($"{Published.Command} session shell shell --terminal 1\n");
        await screen.UntilAsync("it-is-42");
        await screen.TypeAsync("echo $word again\n");
        await screen.UntilAsync("kept again");
        await screen.TypeAsync("exit 5\n");
        await screen.UntilAsync("here$");
        await screen.TypeAsync("echo code $?; stty -a | grep -o ' echo '\n");
        await screen.UntilAsync("code 5");
        await screen.UntilAsync(" echo");
        Assert.Equal("", (await server.BerthAsync("session", "shell", "shell", "--list", "-o", "name")).Out);
        await server.RemoveAsync(session.Id);
    }

    [Fact]
    public async Task A_lost_line_is_said_without_spoiling_the_screen()
    {
        var session = await server.StartEchoAsync("away");
        await using var screen = await Screen.OpenAsync(server.Near);
        await screen.TypeAsync($"{Published.Command} session shell away\n");
        await screen.UntilAsync("~ $");
        await screen.TypeAsync("i=0; while [ $i -lt 40 ]; do i=$((i+1)); echo line-$i; done; echo last-$((1 + 1))\n");
        await screen.UntilAsync("last-2");
        var before = (await screen.ReadAsync()).TrimEnd();
        await server.KillAsync();
        await screen.UntilAsync("The connection is lost: reconnecting");
        Assert.Contains("line-38", await screen.ReadAsync(), StringComparison.Ordinal);
        await server.StartAsync();
        await Eventually.TrueAsync(async () => (await screen.ReadAsync()).TrimEnd() == before, "the screen is as it was", TimeSpan.FromSeconds(30));
        await screen.TypeAsync("exit\n");
        await screen.UntilAsync("here$");
        await server.RemoveAsync(session.Id);
    }

    [Fact]
    public async Task An_image_without_a_shell_says_so()
    {
        await using var image = await SmallImage.MakeAsync(withShell: false);
        var session = await server.StartSessionAsync(new StartRequest(
            Image: image.Name, Name: "bare", Port: 8000, DefaultUrl: "/", Command: SmallImage.WebServer));
        await using var screen = await Screen.OpenAsync(server.Near, columns: 200);
        await screen.TypeAsync($"{Published.Command} session shell bare; echo code $?\n");
        await screen.UntilAsync("there is no shell in the image: neither bash nor sh");
        await screen.UntilAsync("code 127");
        Assert.Equal("1234\n", (await server.BerthAsync("session", "exec", "bare", "--", "/bin/busybox", "id", "-u")).Out);
        await server.RemoveAsync(session.Id);
    }

    private static Process Open(IReadOnlyDictionary<string, string?> variables, params string[] arguments) =>
        Ran.Start(Published.Command, arguments, variables, null, closeInput: false);
}
