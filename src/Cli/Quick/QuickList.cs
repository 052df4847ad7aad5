using Berth.Cli.Output;
using Berth.Cli.Servers;

namespace Berth.Cli.Quick;

/// <summary>
/// <c>berth session list</c> without flags, from the local server, as a table: the same as
/// <see cref="Commands.Sessions.ListCommand"/> prints, without loading what the other commands need. Even the base
/// library's own ways to the environment, to files and to sockets are left aside, for in a process that lives ten
/// milliseconds they are most of it. Whatever is not plainly this case is left to the command: it says what is wrong.
/// Why, and how it was measured: docs/decisions/0001-cli-start-time.md.
/// </summary>
internal static unsafe class QuickList
{
    private const int StandardOut = 1;
    private const int StandardError = 2;

    /// <summary>Variables that say something else than the plain list: every flag of the command has one.</summary>
    public static readonly string[] Settings =
    [
        "BERTH_OUTPUT", "BERTH_COLUMNS", "BERTH_QUIET", "BERTH_YES", "BERTH_NO_COLOR", "BERTH_CONTEXT", "BERTH_ENDED", "BERTH_PROJECT", "BERTH_PAGE",
        "BERTH_ALL_USERS", "BERTH_USER",
    ];

    /// <summary>The exit code, or null: not done, nothing printed.</summary>
    public static int? TryRun(string[] args)
    {
        if (!IsPlainList(args) || IsConfigured() || DataFolder() is not { Length: > 0 } data)
            return null;
        var body = UnixHttp.Get([.. data, .. "/berth.sock"u8],
            "GET /api/berth/sessions HTTP/1.0\r\nHost: localhost\r\nAccept: application/json\r\n\r\n"u8);
        if (body.IsEmpty || SessionRows.Read(body) is not { } rows)
            return null;
        if (rows.Count == 0)
        {
            UnixHttp.WriteAll(StandardError, "You have no session. Start one with `berth session start`.\n"u8);
            return ExitCodes.Ok;
        }
        var now = TimeProvider.System.GetUtcNow();
        var cells = new List<string[]>(rows.Count);
        foreach (var row in rows)
            cells.Add(row.Cells(now));
        var isTerminal = Libc.isatty(StandardOut) == 1;
        var colours = isTerminal && Variable("NO_COLOR"u8).IsEmpty && !Variable("TERM"u8).SequenceEqual("dumb"u8);
        var table = Table.Render(SessionRow.Headers, cells, isTerminal ? Width() : null, colours ? SessionRow.Colour : null);
        if (!UnixHttp.WriteAll(StandardOut, Ascii.Bytes(table)))
            return ExitCodes.Error;
        foreach (var row in rows)
        {
            if (row.WarningLine(now) is { } warning)
                UnixHttp.WriteAll(StandardError, Ascii.Bytes(warning + "\n"));
        }
        return ExitCodes.Ok;
    }

    private static bool IsPlainList(string[] args) =>
        (args.Length == 1 && args[0] == "list") || (args.Length == 2 && args[0] == "session" && args[1] == "list");

    /// <summary>Settings may say another form, or another server: then the whole machinery is needed.</summary>
    private static bool IsConfigured()
    {
        foreach (var name in Settings)
        {
            if (!Variable(Ascii.Bytes(name)).IsEmpty)
                return true;
        }
        var config = Folder("XDG_CONFIG_HOME"u8, "/.config"u8);
        return config.IsEmpty || Exists(".berth.yaml"u8)
            || Exists([.. config, .. "/config.yaml"u8]) || Exists([.. config, .. "/contexts.json"u8]);
    }

    private static ReadOnlySpan<byte> DataFolder()
    {
        var named = Variable("BERTH_DATA"u8);
        return named.IsEmpty ? Folder("XDG_DATA_HOME"u8, "/.local/share"u8) : named;
    }

    private static ReadOnlySpan<byte> Folder(ReadOnlySpan<byte> xdg, ReadOnlySpan<byte> fallback)
    {
        var parent = Variable(xdg);
        if (!parent.IsEmpty)
            return (byte[])[.. parent, .. "/berth"u8];
        var home = Variable("HOME"u8);
        return home.IsEmpty ? default : (byte[])[.. home, .. fallback, .. "/berth"u8];
    }

    private static ReadOnlySpan<byte> Variable(ReadOnlySpan<byte> name)
    {
        byte[] ended = [.. name, 0];
        fixed (byte* start = ended)
        {
            var value = Libc.getenv(start);
            var length = 0;
            while (value != null && value[length] != 0)
                length++;
            return new ReadOnlySpan<byte>(value, length);
        }
    }

    private static bool Exists(ReadOnlySpan<byte> path)
    {
        byte[] ended = [.. path, 0];
        fixed (byte* start = ended)
            return Libc.access(start, 0) == 0;
    }

    private static int Width()
    {
        const nuint TiocgWinSz = 0x5413;
        Libc.WindowSize size;
        return Libc.ioctl(StandardOut, TiocgWinSz, &size) == 0 && size.Columns > 0 ? size.Columns : 80;
    }
}
