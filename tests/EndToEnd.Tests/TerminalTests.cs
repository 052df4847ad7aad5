using Berth.EndToEnd.Tests.House;

namespace Berth.EndToEnd.Tests;

/// <summary>What a session wrote, read at a real terminal (a pty of script(1)).</summary>
[Trait("Needs", "engine")]
public sealed class TerminalTests(RunningServer server) : IClassFixture<RunningServer>
{
    private const string Writes =
        """
        import http.server, sys
        for hostile in ['\x1b]0;owned title\x07', '\x1b]52;c;b3duZWQ=\x07', '\x1b]52;c;b3duZWQ=\x1b\\', '\x1b[2J', '\x1b[5A', '\x1b[6n', '\x1b[?1049h', '\x1b[c', '\x1bc',
                        '\x1bP+q544e\x1b\\', '\x1b_owned\x1b\\', '\x9b2J', '\x9d52;c;b3duZWQ=\x9c', '\x1b[21t', '\x1b]8;;https://evil.example\x07click\x1b]8;;\x07', '\x07', '\x08' * 20]:
            print('before ' + hostile + ' after')
        print('\x1b[31mred\x1b[0m', flush=True)
        http.server.test(http.server.SimpleHTTPRequestHandler, port=8000)
        """;

    [Fact]
    public async Task Escapes_in_a_log_reach_no_terminal_but_colours_do()
    {
        var session = await server.StartSessionAsync(Sample.Python(Writes));
        var command = $"'{Published.Command}' session logs {session.Id}";
        // The program's own runtime begins by telling the terminal how it wants its keys.
        var atTerminal = (await server.AtTerminalAsync(command)).Out.Replace("\e[?1h\e=", "", StringComparison.Ordinal);
        Assert.Contains("\e[31mred\e[0m", atTerminal, StringComparison.Ordinal);
        Assert.Equal(17, atTerminal.Split('\n').Count(line => line.StartsWith("before ", StringComparison.Ordinal) && line.TrimEnd('\r').EndsWith(" after", StringComparison.Ordinal)));
        var rest = atTerminal.Replace("\e[31m", "", StringComparison.Ordinal).Replace("\e[0m", "", StringComparison.Ordinal);
        Assert.DoesNotContain(rest, c => char.IsControl(c) && c is not ('\n' or '\r'));

        // What is kept in a file is what was written.
        Assert.Contains("\e]52;c;b3duZWQ=\a", (await server.BerthAsync("session", "logs", session.Id)).Out, StringComparison.Ordinal);
        await server.RemoveAsync(session.Id);
    }
}
