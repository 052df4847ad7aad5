using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json;
using Berth.Server.Storage;

namespace Berth.Server.Options;

/// <summary>
/// Reads the options from a JSON file (<c>--config</c>), variables and flags, the later before the former, and checks them all:
/// every error is reported at once, with its key and what is allowed.
/// </summary>
public static class OptionsReader
{
    private const string VariablePrefix = "BERTH_SERVER_";

    /// <summary>sockaddr_un holds 108 bytes, one of them the end.</summary>
    private const int LongestSocketPath = 107;

    /// <summary>The longest name of a socket that Berth makes below the data folder: s/SESSION-GENERATION/agent.sock.</summary>
    private const int LongestSocketName = 50;

    /// <summary>Variables that this program's own surroundings set, beside those that are options.</summary>
    private static readonly string[] NotOptions = ["program", "config"];

    private static readonly Setting[] Settings =
    [
        new("data", "a folder", (o, v) => o with { DataFolder = Path.GetFullPath(v) }),
        new("port", "a port from 0 (a free one) to 65535", (o, v) => o with { Port = Whole(v, 0, 65535) }),
        new("listen", "localhost, or an IP address of this machine such as 0.0.0.0", (o, v) => o with { Listen = Address(v) }),
        new("certificate", "a PEM file", (o, v) => o with { Certificate = Path.GetFullPath(v) }),
        new("certificate_key", "a PEM file", (o, v) => o with { CertificateKey = Path.GetFullPath(v) }),
        new("public_url", "an address such as https://berth.example.org", (o, v) => o with { PublicUrl = Url(v) }),
        new("session_host", "a host name with {session} in its first part, such as {session}.berth-sessions.example", (o, v) => o with { SessionHost = SessionHost(v) }),
        new("database_url", "a URL such as postgres://user:password@host:5432/database", (o, v) => o with { DatabaseUrl = Postgres(v) }, IsSecret: true),
        new("agent", "the folder of the published agent", (o, v) => o with { AgentFolder = Path.GetFullPath(v) }),
        new("docker_host", "a socket such as unix:///var/run/docker.sock", (o, v) => o with { DockerHost = Socket(v) }),
        new("jupyter_image", "an image", (o, v) => o with { JupyterImage = v }),
        new("requests_per_second", "a number of requests from 0 (no limit) to 100000", (o, v) => o with { RequestsPerSecond = Whole(v, 0, 100_000) }),
        new("history_days", "a number of days from 0 (for ever) to 36500", (o, v) => o with { HistoryDays = Whole(v, 0, 36_500) }),
        new("streams_per_session", "a number of streams from 1 to 100000", (o, v) => o with { StreamsPerSession = Whole(v, 1, 100_000) }),
        new("streams_per_user", "a number of streams from 1 to 100000", (o, v) => o with { StreamsPerUser = Whole(v, 1, 100_000) }),
        new("browser_connections_per_session", "a number of connections from 1 to 100000", (o, v) => o with { BrowserConnectionsPerSession = Whole(v, 1, 100_000) }),
        new("stream_bytes_per_second", "a number of bytes from 0 (no limit) to 2000000000", (o, v) => o with { StreamBytesPerSecond = Whole(v, 0, 2_000_000_000) }),
        new("ping_seconds", "a number of seconds from 1 to 3600", (o, v) => o with { PingEvery = TimeSpan.FromSeconds(Whole(v, 1, 3600)) }),
        new("node_grace", "a number of seconds from 0 to 604800", (o, v) => o with { NodeGrace = TimeSpan.FromSeconds(Whole(v, 0, 604_800)) }),
        new("nodes_per_user", "a number of machines from 0 to 100000", (o, v) => o with { NodesPerUser = Whole(v, 0, 100_000) }),
        new("allow_root", "true or false", (o, v) => o with { AllowRoot = bool.Parse(v) }),
    ];

    /// <exception cref="StartupException">Something is wrong; the message has one line for each thing.</exception>
    public static ServerOptions Read(IReadOnlyList<string> args, IReadOnlyDictionary<string, string?> variables)
    {
        ArgumentNullException.ThrowIfNull(args);
        ArgumentNullException.ThrowIfNull(variables);
        var errors = new List<string>();
        var flags = ReadFlags(args, errors);
        var given = new Dictionary<string, (string Value, string Key)>(StringComparer.Ordinal);
        if ((flags.GetValueOrDefault("config") ?? variables.GetValueOrDefault(VariablePrefix + "CONFIG")) is { } file)
            ReadFile(file, given, errors);
        ReadVariables(variables, given, errors);
        foreach (var (name, value) in flags.Where(f => f.Key != "config"))
            given[name] = (value, Flag(name));

        var options = Defaults(variables);
        foreach (var setting in Settings)
        {
            if (!given.TryGetValue(setting.Name, out var text))
                continue;
            try
            {
                options = setting.Apply(options, text.Value);
            }
            catch (Exception e) when (e is FormatException or ArgumentException or OverflowException)
            {
                var shown = setting.IsSecret ? "" : $"; it is '{text.Value}'";
                errors.Add($"{text.Key}: must be {setting.Allowed}{shown}{(e is RuleException ? $" ({e.Message})" : "")}.");
            }
        }

        if (Encoding.UTF8.GetByteCount(options.DataFolder) + 1 + LongestSocketName > LongestSocketPath)
        {
            errors.Add(
                $"{Key(given, "data")}: must be at most {LongestSocketPath - LongestSocketName - 1} bytes long, for the sockets in it; "
                + $"it is '{options.DataFolder}'.");
        }

        if (options.CertificateKey is not null && options.Certificate is null)
            errors.Add($"{Key(given, "certificate_key")}: needs a certificate to go with it: set 'certificate', too.");
        // Passwords and sessions would go over the network for all to read.
        if (options is { Listen: not "localhost", Certificate: null, PublicUrl: not { Scheme: "https" } })
        {
            errors.Add(
                $"{Key(given, "listen")}: others than this machine are served with TLS only: set 'certificate', or, where a proxy in front ends TLS, "
                + "'public_url' to its https address.");
        }
        if (options is { Listen: not "localhost", PublicUrl: null })
            errors.Add($"{Key(given, "listen")}: others have to know where to find it: set 'public_url', such as https://berth.example.org.");

        return errors.Count == 0 ? options : throw new StartupException(string.Join('\n', errors));
    }

    private static ServerOptions Defaults(IReadOnlyDictionary<string, string?> variables)
    {
        // https://specifications.freedesktop.org/basedir-spec
        var home = variables.GetValueOrDefault("HOME") ?? Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
        var data = variables.GetValueOrDefault("XDG_DATA_HOME") is { Length: > 0 } xdg && Path.IsPathRooted(xdg) ? xdg : Path.Combine(home, ".local/share");
        return new ServerOptions { DataFolder = Path.Combine(data, "berth"), AgentFolder = Path.Combine(AppContext.BaseDirectory, "agent") };
    }

    private static Dictionary<string, string> ReadFlags(IReadOnlyList<string> args, List<string> errors)
    {
        var flags = new Dictionary<string, string>(StringComparer.Ordinal);
        for (var i = 0; i < args.Count; i++)
        {
            var parts = args[i].Split('=', 2);
            var name = parts[0].StartsWith("--", StringComparison.Ordinal) ? parts[0][2..].Replace('-', '_') : null;
            if (name is null || (name != "config" && Settings.All(s => s.Name != name)))
                errors.Add($"{args[i]}: there is no such option; there are --config, {string.Join(", ", Settings.Where(s => !s.IsSecret).Select(s => Flag(s.Name)))}.");
            else if (Settings.Any(s => s.Name == name && s.IsSecret))
                errors.Add($"{parts[0]}: holds a password, and other users see command lines: set {Variable(name)}, or '{name}' in the file of --config.");
            else if (parts.Length == 2)
                flags[name] = parts[1];
            else if (i + 1 < args.Count)
                flags[name] = args[++i];
            else
                errors.Add($"{args[i]}: a value has to follow.");
        }

        return flags;
    }

    private static void ReadVariables(
        IReadOnlyDictionary<string, string?> variables, Dictionary<string, (string Value, string Key)> given, List<string> errors)
    {
        foreach (var (variable, value) in variables.OrderBy(v => v.Key, StringComparer.Ordinal))
        {
            if (!variable.StartsWith(VariablePrefix, StringComparison.Ordinal) || string.IsNullOrEmpty(value))
                continue;
            var name = variable[VariablePrefix.Length..].ToLowerInvariant();
            if (Settings.Any(s => s.Name == name))
                given[name] = (value, variable);
            else if (!NotOptions.Contains(name))
                errors.Add($"{variable}: there is no such option; there are {string.Join(", ", Settings.Select(s => Variable(s.Name)))}.");
        }
    }

    private static void ReadFile(string file, Dictionary<string, (string Value, string Key)> given, List<string> errors)
    {
        try
        {
            using var json = JsonDocument.Parse(File.ReadAllBytes(file), new JsonDocumentOptions { AllowTrailingCommas = true, CommentHandling = JsonCommentHandling.Skip });
            foreach (var member in json.RootElement.EnumerateObject())
            {
                if (Settings.Any(s => s.Name == member.Name))
                    given[member.Name] = (member.Value.ToString(), $"{file}: {member.Name}");
                else
                    errors.Add($"{file}: {member.Name}: there is no such option; there are {string.Join(", ", Settings.Select(s => s.Name))}.");
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException or InvalidOperationException)
        {
            errors.Add($"{file}: must be a readable file with one JSON object: {e.Message}");
        }
    }

    private static string Flag(string name) => "--" + name.Replace('_', '-');

    private static string Variable(string name) => VariablePrefix + name.ToUpperInvariant();

    private static string Key(Dictionary<string, (string Value, string Key)> given, string name) =>
        given.TryGetValue(name, out var source) ? source.Key : Flag(name);

    private static int Whole(string text, int least, int most) =>
        int.Parse(text, NumberStyles.None, CultureInfo.InvariantCulture) is var number && number >= least && number <= most
            ? number
            : throw new FormatException();

    private static Uri Url(string text) =>
        Uri.TryCreate(text, UriKind.Absolute, out var url) && url.Scheme is "http" or "https" && url is { AbsolutePath: "/", Query: "", UserInfo: "" }
            ? url
            : throw new FormatException();

    private static string Address(string text) => text == "localhost" || IPAddress.TryParse(text, out _) ? text : throw new FormatException();

    private static string SessionHost(string text) =>
        text.Split("{session}") is [var before, var after] && !before.Contains('.') && after.Contains('.')
        && Uri.CheckHostName($"{before}x{after}") == UriHostNameType.Dns ? text : throw new FormatException();

    private static string Socket(string text) => text.StartsWith("unix:///", StringComparison.Ordinal) ? text : throw new FormatException();

    private static string Postgres(string text) => PostgresUrl.TryParse(text, out _, out var problem) ? text : throw new RuleException($"it {problem}");

    private sealed record Setting(string Name, string Allowed, Func<ServerOptions, string, ServerOptions> Apply, bool IsSecret = false);

    private sealed class RuleException(string rule) : FormatException(rule);
}
