using System.Net;
using System.Text.RegularExpressions;
using Berth.Contracts.Sessions;
using Berth.Core.Sessions;
using Berth.Server.Sessions;

namespace Berth.Server.Tests.Proxy;

/// <summary>What a session's origin shows while its app is not there.</summary>
public sealed class WaitingPageTests : IAsyncLifetime
{
    private static readonly DateTimeOffset T0 = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly StageView[] Stages =
    [
        new("placing", T0, T0.AddSeconds(0.4), null),
        new("pulling", T0.AddSeconds(0.4), null, "40 %"),
    ];

    private readonly string _folder = Directory.CreateTempSubdirectory("berth-wait-").FullName;
    private ProxyServer _server = null!;
    private App _app = null!;
    private SessionRoute _session = null!;
    private Browser _browser = null!;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private string Origin => _server.OriginOf(_session);

    public async ValueTask InitializeAsync()
    {
        _app = await App.StartAsync();
        _server = await ProxyServer.StartAsync(_folder);
        _session = _server.AddSession(_app.Port);
        _browser = await _server.EnterAsync(_session);
        _server.Change(_session, SessionStatus.Launching, Views.Launching(_session, "pulling", Stages));
    }

    public async ValueTask DisposeAsync()
    {
        _browser.Dispose();
        await _server.DisposeAsync();
        await _app.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task APersonSeesTheStagesWithTheirTimes()
    {
        var page = await _browser.NavigateAsync(Origin + "/lab/tree/x");
        var html = await page.Content.ReadAsStringAsync(Ct);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, page.StatusCode);
        Assert.NotNull(page.Headers.RetryAfter);
        Assert.Contains("Starting · climate</title>", WebUtility.HtmlDecode(html));
        Assert.Contains("0.4 s", html);
        Assert.Contains("<small>40 %</small>", html);
        Assert.Contains("Start the app", html);
    }

    [Fact]
    public async Task ThePageLoadsNothingAndRunsNothingButItsOwn()
    {
        var page = await _browser.NavigateAsync(Origin + "/lab");
        var html = await page.Content.ReadAsStringAsync(Ct);
        var policy = Assert.Single(page.Headers.GetValues("Content-Security-Policy"));
        var nonce = Regex.Match(policy, "script-src 'nonce-([^']+)'").Groups[1].Value;
        Assert.StartsWith("default-src 'none'", policy);
        Assert.All(Regex.Matches(html, "<(script|style)[^>]*>"), tag => Assert.Contains($"nonce=\"{nonce}\"", tag.Value));
        Assert.DoesNotMatch("<(img|iframe|object|embed)|<(script|link)[^>]*(src|href)=\"(?!data:)|\\son[a-z]+=", html);
        Assert.NotEqual(policy, Assert.Single((await _browser.NavigateAsync(Origin + "/lab")).Headers.GetValues("Content-Security-Policy")));
    }

    [Fact]
    public async Task AProgramIsToldInALine()
    {
        var answer = await _browser.FetchAsync(Origin + "/api/kernels");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, answer.StatusCode);
        Assert.NotNull(answer.Headers.RetryAfter);
        Assert.Equal("Session climate is launching.\n", await answer.Content.ReadAsStringAsync(Ct));
    }

    [Fact]
    public async Task WhatItIsToldOfASessionIsNeverMarkup()
    {
        _server.Change(_session, SessionStatus.Failed, Views.Failed(_session, "<script>alert(1)</script> `<b>`", Stages));
        var html = await (await _browser.NavigateAsync(Origin + "/\"><script>alert(2)</script>")).Content.ReadAsStringAsync(Ct);
        Assert.DoesNotContain("<script>alert", html);
        Assert.DoesNotContain("<b>", html);
        Assert.Contains("&lt;script&gt;alert(1)", html);
    }

    [Fact]
    public async Task EachChangeIsSentAndAtLastThatItIsReady()
    {
        using var events = await EventsAsync();
        Assert.Contains("40 %", (await events.NextAsync()).Data);
        _server.Change(_session, SessionStatus.Launching, Views.Launching(_session, "pulling", Stages[0], Stages[1] with { Detail = "80 %" }));
        var (name, data) = await events.NextAsync();
        Assert.Equal("status", name);
        Assert.Contains("80 %", data);
        _server.Change(_session, SessionStatus.Running, Views.View(_session, "running"));
        Assert.Equal("ready", (await events.NextAsync()).Name);
        Assert.Equal("yes", Assert.Single((await _browser.NavigateAsync(Origin + "/lab")).Headers.GetValues("X-App")));
    }

    [Fact]
    public async Task SigningOutEndsTheStream()
    {
        using var events = await EventsAsync();
        await events.NextAsync();
        _server.Revoked["s1"] = true;
        _server.Live.CutSignIn("s1");
        Assert.Equal("", (await events.NextAsync()).Name);
    }

    [Fact]
    public async Task OnlyWhoMayOpenTheSessionMayListen()
    {
        using var stranger = _server.SignedIn("bob", "s2");
        Assert.Equal(HttpStatusCode.Unauthorized, (await stranger.FetchAsync(Origin + "/_berth/status")).StatusCode);
    }

    [Fact]
    public async Task AStoppedStartSaysWhyAndWhatToDo()
    {
        var ended = T0.AddMinutes(15);
        _server.Change(_session, SessionStatus.Failed, Views.Failed(_session, "8888", Stages[0], Stages[1] with { EndedAt = ended }) is var failed
            ? failed with { Berth = failed.Berth with { StatusSince = ended } } : null!);
        var html = WebUtility.HtmlDecode(await (await _browser.NavigateAsync(Origin + "/lab")).Content.ReadAsStringAsync(Ct));
        Assert.Contains("Nothing answered on its port", html);
        Assert.Single(html.Split("<li class=\"done\">")[1..]);
        Assert.Single(html.Split("<li class=\"failed\">")[1..]);
        Assert.Contains("<code>berth session logs climate</code>", html);
        Assert.Contains("Start again", html);
        Assert.Contains($"{_server.Origin}/sessions/{_session.Id}", html);
    }

    [Fact]
    public async Task APausedSessionIsResumedFromThePageAndKeepsThePath()
    {
        _server.Change(_session, SessionStatus.Paused, Views.Paused(_session));
        var html = await (await _browser.NavigateAsync(Origin + "/lab/tree/a%20b?x=1")).Content.ReadAsStringAsync(Ct);
        Assert.Contains("Resume", html);
        Assert.Contains("name=\"to\" value=\"/lab/tree/a%20b?x=1\"", WebUtility.HtmlDecode(html));
        var answer = await ResumeAsync("/lab/tree/a%20b?x=1", Origin);
        Assert.Equal(HttpStatusCode.SeeOther, answer.StatusCode);
        Assert.Equal("/lab/tree/a%20b?x=1", answer.Headers.Location!.OriginalString);
        Assert.Equal(_session.Id, Assert.Single(_server.Resumed));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("null")]
    [InlineData("http://evil.example")]
    public async Task NoOtherPageResumesASession(string? origin)
    {
        _server.Change(_session, SessionStatus.Paused, Views.Paused(_session));
        Assert.Equal(HttpStatusCode.Forbidden, (await ResumeAsync("/", origin)).StatusCode);
        Assert.Empty(_server.Resumed);
    }

    [Fact]
    public async Task ResumingLeadsNowhereElse() =>
        Assert.Equal("/", (await ResumeAsync("//evil.example", Origin)).Headers.Location!.OriginalString);

    [Fact]
    public async Task ARefusalToResumeIsShown()
    {
        _server.RefusesResume = "Your quota of 2 sessions is used up.";
        var answer = await ResumeAsync("/lab", Origin);
        Assert.Equal(HttpStatusCode.UnprocessableEntity, answer.StatusCode);
        Assert.Contains("Your quota of 2 sessions is used up.", await answer.Content.ReadAsStringAsync(Ct));
    }

    [Fact]
    public async Task ASessionThatIsOverSaysSoToItsOwner()
    {
        _server.Views[_session.Id] = Views.View(_session, "ended");
        _server.Directory.Remove(_session.Id);
        var page = await _browser.NavigateAsync(Origin + "/lab");
        Assert.Equal(HttpStatusCode.Gone, page.StatusCode);
        Assert.Contains("Stopped", await page.Content.ReadAsStringAsync(Ct));
        var link = await _browser.NavigateAsync($"{_server.Origin}/sessions/{_session.Id}/open");
        Assert.Equal($"/sessions/{_session.Id}", link.Headers.Location!.OriginalString);
    }

    [Fact]
    public async Task NoPathOfBerthsReachesTheApp()
    {
        _server.Change(_session, SessionStatus.Running, Views.View(_session, "running"));
        Assert.Equal(HttpStatusCode.NotFound, (await _browser.FetchAsync(Origin + "/_berth/other")).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await _browser.FetchAsync(Origin + "/%5Fberth/other")).StatusCode);
    }

    private Task<HttpResponseMessage> ResumeAsync(string to, string? origin)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, Origin + "/_berth/resume")
        {
            Content = new FormUrlEncodedContent([new("to", to)]),
        };
        request.Headers.Add("Sec-Fetch-Mode", "navigate");
        if (origin is not null)
            request.Headers.Add("Origin", origin);
        return _browser.SendAsync(request);
    }

    private async Task<Events> EventsAsync()
    {
        var response = await _browser.FetchAsync(Origin + "/_berth/status");
        Assert.Equal("text/event-stream", response.Content.Headers.ContentType!.MediaType);
        return new Events(new StreamReader(await response.Content.ReadAsStreamAsync(Ct)));
    }

    private sealed class Events(StreamReader reader) : IDisposable
    {
        /// <summary>The next event; an empty name: there are no more.</summary>
        public async Task<(string Name, string Data)> NextAsync()
        {
            var (name, data) = ("", "");
            while (await reader.ReadLineAsync(Ct) is { } line)
            {
                if (line.StartsWith("event: ", StringComparison.Ordinal))
                    name = line[7..];
                else if (line.StartsWith("data: ", StringComparison.Ordinal))
                    data += line[6..] + "\n";
                else if (line.Length == 0 && name.Length > 0)
                    return (name, data);
            }

            return ("", "");
        }

        public void Dispose() => reader.Dispose();
    }
}
