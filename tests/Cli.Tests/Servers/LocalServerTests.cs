using System.Diagnostics;
using Berth.Cli.Servers;
using Berth.Cli.Tests.House;
using Berth.Fakes;

namespace Berth.Cli.Tests.Servers;

/// <summary>The server in the background, played by a script, for what does not depend on what it is.</summary>
public sealed class LocalServerTests : IDisposable
{
    private readonly string _data = Directory.CreateTempSubdirectory("berth-l-").FullName;
    private readonly Command _berth;

    public LocalServerTests() => _berth = new Command(_data);

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_server_that_ends_before_it_is_ready_is_told_with_its_last_words()
    {
        _berth.With("BERTH_SERVER_PROGRAM", Script("echo 'Port 8300 is taken' >&2; exit 1"));
        var ran = await _berth.RunAsync("list");
        Assert.Equal((ExitCodes.Error, ""), (ran.Code, ran.Out));
        Assert.Contains("Starting the local Berth server … (log: ", ran.Error, StringComparison.Ordinal);
        Assert.Contains("The local server ended before it was ready.", ran.Error, StringComparison.Ordinal);
        Assert.Contains("Port 8300 is taken", ran.Error, StringComparison.Ordinal);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Path.Combine(_data, "server.log")));
        Assert.False(File.Exists(Path.Combine(_data, "server.pid")));
    }

    [Fact]
    public async Task Without_the_program_it_says_where_it_was_looked_for_and_what_to_do()
    {
        var ran = await _berth.With("BERTH_SERVER_PROGRAM", "/nowhere/berth-server").RunAsync("list");
        Assert.Equal(ExitCodes.Usage, ran.Code);
        Assert.Contains("BERTH_SERVER_PROGRAM is '/nowhere/berth-server', and there is no such file.", ran.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_program_in_the_background_has_a_session_of_its_own_and_is_stopped_by_its_pid_file()
    {
        var log = Path.Combine(_data, "server.log");
        var server = Spawned.Start(Script("echo \"$GREETING\"; exec sleep 300"), new Dictionary<string, string> { ["GREETING"] = "hello" }, log);
        new PidFile(Path.Combine(_data, "server.pid")).Write(server.Id);
        await Eventually.TrueAsync(() => File.Exists(log) && File.ReadAllText(log) == "hello\n", "it has written");
        // Fields 4 to 6 of proc_pid_stat(5): parent, group, session.
        var stat = (await File.ReadAllTextAsync($"/proc/{server.Id}/stat", Ct)).Split(") ")[1].Split(' ');
        Assert.Equal((server.Id, server.Id), (int.Parse(stat[2]), int.Parse(stat[3])));

        var stop = await _berth.RunAsync("server", "stop");
        Assert.True(stop.Code == 0, stop.Error);
        Assert.True(server.HasExited);
        Assert.Equal("No server runs here.\n", (await _berth.RunAsync("server", "stop")).Error);
    }

    [Fact]
    public async Task A_pid_that_was_given_to_another_process_is_not_stopped()
    {
        using var other = Process.Start("sleep", "300");
        await File.WriteAllTextAsync(Path.Combine(_data, "server.pid"), $"{other.Id} 1\n", Ct);
        Assert.Equal("No server runs here.\n", (await _berth.RunAsync("server", "stop")).Error);
        Assert.False(other.HasExited);
        other.Kill();
    }

    [Fact]
    public async Task Status_of_no_server_exits_with_4()
    {
        var ran = await _berth.RunAsync("server", "status");
        Assert.Equal(ExitCodes.NotFound, ran.Code);
        Assert.StartsWith("No server runs here.", ran.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_folder_too_deep_for_a_socket_is_refused()
    {
        using var berth = new Command(Path.Combine(_data, new string('x', 120)));
        var ran = await berth.RunAsync("list");
        Assert.Equal(ExitCodes.Usage, ran.Code);
        Assert.Contains("too long for a socket", ran.Error, StringComparison.Ordinal);
    }

    public void Dispose()
    {
        _berth.Dispose();
        Directory.Delete(_data, recursive: true);
    }

    private string Script(string commands)
    {
        var path = Path.Combine(_data, "stand-in");
        File.WriteAllText(path, $"#!/bin/sh\n{commands}\n");
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        return path;
    }
}
