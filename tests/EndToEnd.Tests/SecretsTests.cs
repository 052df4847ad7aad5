using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Berth.EndToEnd.Tests.House;

namespace Berth.EndToEnd.Tests;

/// <summary>One run in which every kind of secret is made and used, and then a search for each of them wherever it could have been left.</summary>
[Trait("Needs", "engine")]
public sealed partial class SecretsTests(RunningServer server) : IClassFixture<RunningServer>
{
    private const string Password = "correct-horse-battery-7391";
    private const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    // Where a secret may be, and why.
    private static readonly (string Pattern, string Why)[] Kept =
    [
        (@"^s/[^/]+/(token|order\.json)$", "the session itself reads it; the folder above is closed"),
        (@"^home/\.config/berth/", "the user's own token, for the command"),
        (@"^keys/", "keys of cookies and tokens"),
    ];

    private readonly Dictionary<string, string> _secrets = [];
    private readonly ConcurrentQueue<string> _said = [];

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task No_secret_is_in_a_log_a_command_line_an_environment_an_error_an_address_or_the_database()
    {
        // 1. A run: users, passwords, links, tokens, cookies, a session with its tickets and tokens, wrong attempts with each.
        await server.Api.SendJsonAsync(HttpMethod.Post, "api/data/users", new JsonObject { ["username"] = "bea", ["password"] = Password }, Ct);
        _secrets["password"] = Password;
        _secrets["registry's password"] = "registry-secret-8452";
        await server.Api.SendJsonAsync(
            HttpMethod.Put, "api/berth/image_credentials/registry.example.org", new JsonObject { ["username"] = "ana", ["password"] = _secrets["registry's password"] }, Ct);
        var token = (await server.Api.CreateTokenAsync(new("script"), Ct)).Secret;
        _secrets["API token"] = token;
        var session = await server.StartSessionAsync(Sample.WebServer("secrets"));
        var home = $"http://localhost:{server.Port}";
        using var handler = new SocketsHttpHandler { AllowAutoRedirect = false, CookieContainer = new CookieContainer(), ConnectCallback = ConnectAsync };
        using var browser = new HttpClient(handler);
        var link = (await server.Api.CreateSignInLinkAsync(Ct)).Url;
        _secrets["sign-in link"] = Uri.UnescapeDataString(new Uri(link).Query.Split('=', 2)[1]);
        await GetAsync(browser, link);
        await GetAsync(browser, link);
        foreach (var (at, what) in new[] { ($"/sessions/{session.Id}", 0), ($"/api/berth/sessions/{session.Id}", 0), ("/tokens", 0), ("/nowhere", 0) })
            await GetAsync(browser, home + at);
        var next = $"http://{session.Id.ToLowerInvariant()}.localhost:{server.Port}/";
        for (var i = 0; i < 6 && next is not null; i++)
        {
            if (TicketPattern().Match(next) is { Success: true } ticket)
                _secrets["ticket"] = ticket.Groups[1].Value;
            next = await GetAsync(browser, next, page: true) is { } location ? new Uri(new Uri(next), location).AbsoluteUri : null;
        }

        foreach (Cookie cookie in handler.CookieContainer.GetAllCookies())
            _secrets[$"cookie {cookie.Name}"] = cookie.Value;
        Assert.Contains("ticket", _secrets.Keys);
        Assert.Contains(_secrets.Keys, k => k.StartsWith("cookie berth-gate", StringComparison.Ordinal));
        var folder = Path.Combine(server.DataFolder, "s", session.Id.ToLowerInvariant());
        _secrets["agent's token"] = (await File.ReadAllTextAsync(Path.Combine(folder, "token"), Ct)).Trim();
        var order = JsonNode.Parse(await File.ReadAllTextAsync(Path.Combine(folder, "order.json"), Ct))!;
        _secrets["front end's token"] = (string)order["environment"]!["JUPYTER_TOKEN"]!;

        // 2. Refusals that were given a secret in the wrong place.
        foreach (var (path, body) in new (string, object)[]
        {
            ("/api/berth/image_credentials/registry.example.org", new { username = 1, password = _secrets["registry's password"] }),
            ("/api/berth/tokens", new { name = token, scope = token }), ("/api/berth/password", new { password = Password, current = Password, old_password = Password }),
            ("/api/data/users", new { username = "x", password = Password, is_admin = Password }), ("/sign-in", new { username = "bea", password = Password }),
        })
        {
            using var answer = await browser.PostAsJsonAsync(home + path, body, Ct);
            _said.Enqueue($"error {path} {await answer.Content.ReadAsStringAsync(Ct)}");
        }

        foreach (var bearer in new[] { token + "x", _secrets["agent's token"], _secrets["front end's token"] })
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, $"{home}/api/data/user");
            request.Headers.Add("Authorization", $"Bearer {bearer}");
            using var answer = await new HttpClient().SendAsync(request, Ct);
            Assert.Equal(HttpStatusCode.Unauthorized, answer.StatusCode);
            _said.Enqueue($"error {await answer.Content.ReadAsStringAsync(Ct)}");
        }

        var found = new List<string>();
        void Look(string where, string text, params string[] but)
        {
            foreach (var (name, secret) in _secrets.Where(s => !but.Contains(s.Key)))
            {
                if (text.Contains(secret, StringComparison.Ordinal))
                    found.Add($"{name} in {where}");
            }
        }

        // 3. Whatever was answered, and every address but those that work once.
        foreach (var text in _said)
            Look(text.Split('\n')[0], text, text.StartsWith("location ", StringComparison.Ordinal) ? ["ticket"] : []);

        // 4. All processes of the machine but the session's own.
        var inside = 0;
        foreach (var process in Directory.GetDirectories("/proc").Where(p => char.IsAsciiDigit(Path.GetFileName(p)[0])))
        {
            if (Read($"{process}/cgroup") is not { } group || Path.GetFileName(process) == $"{Environment.ProcessId}")
                continue;
            if (Read($"{process}/environ") is { } environment && environment.Contains($"BERTH_SESSION_ID={session.Id}", StringComparison.OrdinalIgnoreCase))
            {
                inside += environment.Contains(_secrets["front end's token"], StringComparison.Ordinal) ? 1 : 0;
                Look($"{process}/environ", environment, "front end's token");
                continue;
            }

            Look($"{process}/cmdline", Read($"{process}/cmdline") ?? "");
            Look($"{process}/environ", Read($"{process}/environ") ?? "");
        }

        // 5. Logs, and every file of the data folder. What is allowed is closed to others.
        using (var log = new StreamReader(await server.Api.ReadLogAsync(session.Id, 1000, follow: false, Ct)))
            Look("the session's log", await log.ReadToEndAsync(Ct));
        foreach (var file in Directory.EnumerateFiles(server.DataFolder, "*", SearchOption.AllDirectories).Where(f => !f.EndsWith(".sock", StringComparison.Ordinal)))
        {
            var name = Path.GetRelativePath(server.DataFolder, file);
            if (name.StartsWith("agents/", StringComparison.Ordinal))
                continue;
            if (!Kept.Any(k => Regex.IsMatch(name, k.Pattern)))
                Look(name, Read(file) ?? "");
            else if (!name.StartsWith("s/", StringComparison.Ordinal))
                Assert.Equal((name, Private), (name, File.GetUnixFileMode(file)));
        }

        Assert.Empty(found);
        Assert.True(inside > 0, "the session's own environment, which has a secret, was read: the search sees environments");
        foreach (var closed in new[] { "", "s", "keys" })
            Assert.Equal(Private | UnixFileMode.UserExecute, File.GetUnixFileMode(Path.Combine(server.DataFolder, closed)));
        await server.RemoveAsync(session.Id);
    }

    private async Task<string?> GetAsync(HttpClient browser, string url, bool page = false)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, url);
        if (page)
        {
            request.Headers.Add("Accept", "text/html");
            request.Headers.Add("Sec-Fetch-Mode", "navigate");
        }

        using var answer = await browser.SendAsync(request, Ct);
        var location = answer.Headers.Location?.OriginalString;
        _said.Enqueue($"body of {request.RequestUri!.AbsolutePath}\n{await answer.Content.ReadAsStringAsync(Ct)}");
        _said.Enqueue($"location {location}");
        if (location is not null)
            Assert.Contains(Assert.Single(answer.Headers.GetValues("Referrer-Policy")), (string[])["no-referrer", "same-origin"]);
        return location;
    }

    // Sessions' own hosts are this machine, whether or not its resolver knows that of *.localhost.
    private static async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken ct)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(IPAddress.Loopback, context.DnsEndPoint.Port, ct);
        return new NetworkStream(socket, ownsSocket: true);
    }

    private static string? Read(string path)
    {
        try
        {
            using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            using var bytes = new MemoryStream();
            file.CopyTo(bytes);
            return Encoding.Latin1.GetString(bytes.ToArray());
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    [GeneratedRegex("[?&]ticket=([^&]+)")]
    private static partial Regex TicketPattern();
}
