using System.Net;
using System.Security.Cryptography;
using System.Text;
using Berth.Fakes;

namespace Berth.Server.Tests.Proxy;

/// <summary>What passes between visitor and app. The same for every way to reach a session.</summary>
public abstract class ForwardingTests(IWay way) : OpenSessionTests(way)
{
    [Theory]
    [InlineData("GET")]
    [InlineData("HEAD")]
    [InlineData("POST")]
    [InlineData("PUT")]
    [InlineData("PATCH")]
    [InlineData("DELETE")]
    [InlineData("OPTIONS")]
    [InlineData("PROPFIND")]
    public async Task EveryVerbPasses(string verb)
    {
        var request = new HttpRequestMessage(new HttpMethod(verb), Origin + "/api/contents");
        if (verb is not ("GET" or "HEAD"))
            request.Content = new StringContent("body");
        var response = await Browser.SendAsync(request);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        if (verb != "HEAD")
            Assert.Equal((verb, verb == "GET" ? 0 : 4), (await SeenAsync(response)) is var seen ? (seen.Method, (int)seen.Bytes) : default);
    }

    [Theory]
    [InlineData("/a%2Fb/c%20d/%C3%A9?x=%2F&y=a+b&z")]
    [InlineData("/files/100%25.txt?")]
    [InlineData("//double//slash")]
    [InlineData("/a;b=c/@d/!$&'()*,:")]
    public async Task ThePathPassesByteForByte(string target)
    {
        var exact = new Uri(Origin + target, new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true });
        var response = await Browser.SendAsync(new HttpRequestMessage(HttpMethod.Get, exact));
        Assert.Equal(target, (await SeenAsync(response)).Target);
    }

    [Theory]
    [InlineData(204)]
    [InlineData(304)]
    [InlineData(404)]
    [InlineData(418)]
    [InlineData(500)]
    [InlineData(503)]
    public async Task TheAppsStatusIsTheAnswers(int status)
    {
        var request = new HttpRequestMessage(HttpMethod.Head, Origin + "/x");
        request.Headers.Add("X-Status", status.ToString());
        Assert.Equal(status, (int)(await Browser.SendAsync(request)).StatusCode);
    }

    [Fact]
    public async Task TheAppSeesItsOwnHostAndWhoAskedAndNothingOfBerth()
    {
        Browser.Cookies[new Uri(Origin).Host]["_xsrf"] = "2|abc";
        var request = new HttpRequestMessage(HttpMethod.Get, Origin + "/");
        request.Headers.Add("X-Forwarded-For", "10.9.8.7");
        request.Headers.Add("Forwarded", "for=10.9.8.7");
        request.Headers.Add("X-Custom", ["one", "two"]);
        var seen = await SeenAsync(await Browser.SendAsync(request));
        Assert.Equal([new Uri(Origin).Authority], seen.Headers["Host"]);
        Assert.Equal(["_xsrf=2|abc"], seen.Headers["Cookie"]);
        Assert.Equal(["token front-end-of-" + Session.Id], seen.Headers["Authorization"]);
        Assert.Equal(["127.0.0.1"], seen.Headers["X-Forwarded-For"]);
        Assert.Equal(["http"], seen.Headers["X-Forwarded-Proto"]);
        Assert.Equal([new Uri(Origin).Authority], seen.Headers["X-Forwarded-Host"]);
        Assert.DoesNotContain("Forwarded", seen.Headers.Keys);
        Assert.Equal(["one, two"], seen.Headers["X-Custom"]);
    }

    [Theory]
    [InlineData("Basic YTpi", "Basic YTpi")]
    [InlineData("Bearer berth_secret", "token front-end-of-")]
    public async Task AnAppsOwnSignInPassesAndBerthsDoesNot(string sent, string arrives)
    {
        var request = new HttpRequestMessage(HttpMethod.Get, Origin + "/");
        request.Headers.TryAddWithoutValidation("Authorization", sent);
        Assert.StartsWith(arrives, Assert.Single((await SeenAsync(await Browser.SendAsync(request))).Headers["Authorization"]));
    }

    [Fact]
    public async Task AnAppCannotSetBerthsCookies()
    {
        var response = await Browser.FetchAsync(Origin + "/cookies");
        Assert.Equal(["app=1; Path=/", "_xsrf=2|abc; Path=/"], response.Headers.GetValues("Set-Cookie"));
    }

    [Fact]
    public async Task BodiesAndHeadersAreNotTouched()
    {
        var response = await Browser.FetchAsync(Origin + "/headers");
        var name = Assert.Single(response.Content.Headers.GetValues("Content-Disposition"));
        Assert.Contains("Zürich – 図.ipynb", Encoding.UTF8.GetString(Encoding.Latin1.GetBytes(name)));
        Assert.Equal("gzip", Assert.Single(response.Content.Headers.ContentEncoding));
        Assert.Equal(0x1f, (await response.Content.ReadAsByteArrayAsync(Ct))[0]);
    }

    [Fact]
    public async Task RedirectsArePassedOn()
    {
        var response = await Browser.NavigateAsync(Origin + "/redirect");
        Assert.Equal("/lab/tree/there?x=%2F", response.Headers.Location!.OriginalString);
    }

    [Fact]
    public async Task ALargeUploadStreamsThrough()
    {
        const long size = 300L * 1024 * 1024;
        var before = Memory();
        var peak = 0L;
        using var sha = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var request = new HttpRequestMessage(HttpMethod.Put, Origin + "/upload")
        {
            Content = new Produced(size, (block, at) =>
            {
                RandomNumberGenerator.Fill(block.AsSpan(0, 64));
                sha.AppendData(block);
                if (at % (32 << 20) == 0)
                    peak = Math.Max(peak, Memory());
            }),
        };
        var seen = await SeenAsync(await Browser.SendAsync(request));
        Assert.Equal(size, seen.Bytes);
        Assert.Equal(Convert.ToHexString(sha.GetHashAndReset()), seen.Sha256);
        Assert.True(peak - before < 64 << 20, $"{(peak - before) >> 20} MiB more memory during the upload");

        static long Memory() => GC.GetTotalMemory(forceFullCollection: true);
    }

    [Fact]
    public async Task ALargeDownloadStreamsThrough()
    {
        const long size = 300L * 1024 * 1024;
        var response = await Browser.FetchAsync($"{Origin}/download?bytes={size}");
        Assert.Equal(size, response.Content.Headers.ContentLength);
        await using var body = await response.Content.ReadAsStreamAsync(Ct);
        var buffer = new byte[256 * 1024];
        long bytes = 0;
        for (int read; (read = await body.ReadAsync(buffer, Ct)) > 0;)
            bytes += read;
        Assert.Equal(size, bytes);
    }

    [Fact]
    public async Task ChunksPassBothWays()
    {
        var request = new HttpRequestMessage(HttpMethod.Post, Origin + "/x") { Content = new StringContent("in chunks") };
        request.Headers.TransferEncodingChunked = true;
        Assert.Equal(9, (await SeenAsync(await Browser.SendAsync(request))).Bytes);
        var response = await Browser.FetchAsync(Origin + "/chunks");
        Assert.Equal("chunk 0;chunk 1;chunk 2;chunk 3;chunk 4;", await response.Content.ReadAsStringAsync(Ct));
    }

    [Fact]
    public async Task ServerSentEventsArriveAtOnce()
    {
        // The response's headers are there before the first event, and each event before the next is made.
        var response = await Browser.FetchAsync(Origin + "/events");
        Assert.Equal("text/event-stream", response.Content.Headers.ContentType!.MediaType);
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync(Ct));
        for (var i = 0; i < 3; i++)
        {
            App.GoOn.Release();
            Assert.Equal($"data: {i}", await reader.ReadLineAsync(Ct));
            Assert.Equal("", await reader.ReadLineAsync(Ct));
        }
    }

    [Fact]
    public async Task ALongPollWaitsForItsAnswer()
    {
        var poll = Browser.FetchAsync(Origin + "/poll");
        Assert.Equal(HttpStatusCode.OK, (await Browser.FetchAsync(Origin + "/meanwhile")).StatusCode);
        Assert.False(poll.IsCompleted);
        App.GoOn.Release();
        Assert.Equal("at last", await (await poll).Content.ReadAsStringAsync(Ct));
    }

    [Fact]
    public async Task ConnectionsToTheAppAreReused()
    {
        var connections = new HashSet<string>();
        for (var i = 0; i < 20; i++)
            connections.Add((await SeenAsync(await Browser.FetchAsync(Origin + "/"))).Connection);
        Assert.Single(connections);
    }

    [Fact]
    public async Task AnotherStartOfTheSessionHasConnectionsOfItsOwn()
    {
        var first = await SeenAsync(await Browser.FetchAsync(Origin + "/"));
        Server.Directory.Set(Session with { Generation = Session.Generation + 1 });
        var second = await SeenAsync(await Browser.FetchAsync(Origin + "/"));
        Assert.NotEqual(first.Connection, second.Connection);
    }

    [Fact]
    public async Task ManyRequestsAtOnceDoNotMix()
    {
        var answers = await Task.WhenAll(Enumerable.Range(0, 200).Select(async i => (await SeenAsync(await Browser.FetchAsync($"{Origin}/n/{i}"))).Target));
        Assert.Equal(Enumerable.Range(0, 200).Select(i => $"/n/{i}"), answers);
    }

    [Fact]
    public async Task AnAppThatClosesTheConnectionIsSaidSo()
    {
        var page = await Browser.NavigateAsync(Origin + "/abort");
        Assert.Equal(HttpStatusCode.BadGateway, page.StatusCode);
        Assert.Contains("climate gave no answer", await page.Content.ReadAsStringAsync(Ct));
        var text = await Browser.FetchAsync(Origin + "/abort");
        Assert.Equal(HttpStatusCode.BadGateway, text.StatusCode);
        Assert.Equal("text/plain", text.Content.Headers.ContentType!.MediaType);
    }

    [Fact]
    public async Task AnAnswerThatBreaksOffDoesNotLookComplete()
    {
        var response = await Browser.FetchAsync(Origin + "/half");
        App.GoOn.Release();
        await Assert.ThrowsAnyAsync<Exception>(() => response.Content.ReadAsByteArrayAsync(Ct));
    }

    [Fact]
    public async Task WhereNothingListensThatIsSaid()
    {
        Server.Directory.Set(Session with { Port = 1, Generation = 2 });
        var page = await Browser.NavigateAsync(Origin + "/lab");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, page.StatusCode);
        Assert.Contains("climate cannot be reached", await page.Content.ReadAsStringAsync(Ct));
        Assert.NotNull(page.Headers.RetryAfter);
        var text = await Browser.FetchAsync(Origin + "/api");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, text.StatusCode);
        Assert.NotNull(text.Headers.RetryAfter);
    }

    [Fact]
    public async Task TheEndOfASessionCutsStreamsAtOnce()
    {
        var response = await Browser.FetchAsync(Origin + "/events");
        await using var body = await response.Content.ReadAsStreamAsync(Ct);
        var read = body.ReadAsync(new byte[10], Ct).AsTask();
        Server.Directory.Remove(Session.Id);
        await Assert.ThrowsAnyAsync<IOException>(() => read).WaitAsync(TimeSpan.FromSeconds(5), Ct);
    }

    [Fact]
    public async Task AVisitorWhoLeavesEndsTheAppsRequest()
    {
        var request = new HttpRequestMessage(HttpMethod.Get, Origin + "/events");
        var response = await Browser.SendAsync(request);
        response.Dispose();
        await Eventually.TrueAsync(() => App.Waiting == 0, "the app sees that its visitor left");
    }

    private static async Task<Seen> SeenAsync(HttpResponseMessage response)
    {
        var text = await response.Content.ReadAsStringAsync(Ct);
        Assert.True(response.IsSuccessStatusCode, $"{response.StatusCode}: {text}");
        return System.Text.Json.JsonSerializer.Deserialize<Seen>(text)!;
    }
}
