using System.Net.Http.Headers;

namespace Berth.Server.Tests.Strangers;

/// <summary>A stream of the API that stays open: its first line has come, and what ends it is waited for.</summary>
public sealed class EventStream : IDisposable
{
    private readonly HttpResponseMessage _response;
    private readonly StreamReader _reader;

    private EventStream(HttpResponseMessage response, StreamReader reader) => (_response, _reader) = (response, reader);

    public static async Task<EventStream> OpenAsync(HttpClient http, string path = "/api/berth/events", string? token = null)
    {
        var ct = TestContext.Current.CancellationToken;
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        if (token is not null)
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, ct);
        response.EnsureSuccessStatusCode();
        return new EventStream(response, new StreamReader(await response.Content.ReadAsStreamAsync(ct)));
    }

    public Task<string?> ReadLineAsync() => _reader.ReadLineAsync(TestContext.Current.CancellationToken).AsTask();

    /// <summary>Done when the server has ended it.</summary>
    public Task Ended() => _reader.ReadToEndAsync(TestContext.Current.CancellationToken);

    public void Dispose()
    {
        _reader.Dispose();
        _response.Dispose();
    }
}
