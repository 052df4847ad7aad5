using Berth.Cli.Output;
using Berth.Cli.Servers;

namespace Berth.Cli.Quick;

/// <summary>
/// <c>berth session list</c> without flags, from the local server, as a table: the same as
/// <see cref="Commands.Sessions.ListCommand"/> prints, without loading what the other commands need (the parser of command
/// lines, HTTP, sockets, consoles). Whatever is not plainly that case is left to the command: it says what is wrong.
/// Measured beside <c>docker ps</c> in docs/explanation/performance.md; why: docs/decisions/cli-start-time.md.
/// </summary>
internal static class QuickList
{
    private const int StandardOut = 1;
    private const int StandardError = 2;

    /// <summary>The exit code, or null: not done, nothing printed.</summary>
    public static int? TryRun(string[] args)
    {
        if (args is not (["list"] or ["session", "list"]) || IsConfigured() || Folder("BERTH_DATA", "XDG_DATA_HOME", "/.local/share") is not { } data)
            return null;
        if (UnixHttp.Get(data + "/berth.sock", "/api/berth/sessions") is not { } body || SessionRows.Read(body) is not { } rows)
            return null;
        if (rows.Count == 0)
        {
            UnixHttp.WriteAll(StandardError, "You have no session. Start one with `berth session start`.\n");
            return ExitCodes.Ok;
        }
        var now = TimeProvider.System.GetUtcNow();
        var isTerminal = Libc.isatty(StandardOut) == 1;
        var colours = isTerminal && string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR"))
            && Environment.GetEnvironmentVariable("TERM") != "dumb";
        UnixHttp.WriteAll(StandardOut, Table.Render(
            SessionRow.Headers, rows.ConvertAll(row => row.Cells(now)), isTerminal ? Width() : null, colours ? SessionRow.Colour : null));
        return ExitCodes.Ok;
    }

    /// <summary>Settings may say another form, or another server: then the whole machinery is needed.</summary>
    private static bool IsConfigured()
    {
        foreach (var key in Environment.GetEnvironmentVariables().Keys)
        {
            if (key is string name && name.StartsWith("BERTH_", StringComparison.Ordinal) && name is not ("BERTH_DATA" or ServerProgram.Variable))
                return true;
        }
        return File.Exists(".berth.yaml")
            || Folder(null, "XDG_CONFIG_HOME", "/.config") is not { } config
            || File.Exists(config + "/config.yaml")
            || File.Exists(ContextStore.FileIn(config));
    }

    private static string? Folder(string? own, string xdg, string fallback)
    {
        if (own is not null && Environment.GetEnvironmentVariable(own) is { Length: > 0 } named)
            return named;
        if (Environment.GetEnvironmentVariable(xdg) is { Length: > 0 } parent)
            return parent + "/berth";
        return Environment.GetEnvironmentVariable("HOME") is { Length: > 0 } home ? home + fallback + "/berth" : null;
    }

    private static unsafe int Width()
    {
        const nuint TiocgWinSz = 0x5413;
        Libc.WindowSize size;
        return Libc.ioctl(StandardOut, TiocgWinSz, &size) == 0 && size.Columns > 0 ? size.Columns : 80;
    }
}
