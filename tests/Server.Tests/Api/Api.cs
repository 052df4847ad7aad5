using System.Net.Http.Headers;
using System.Text.Json;

namespace Berth.Server.Tests.Api;

/// <summary>Speaks to the API as a script would: plain JSON.</summary>
public sealed class Api(HttpClient http)
{
    public HttpClient Http => http;

    public Task<Answer> GetAsync(string path, params (string Name, string Value)[] headers) => SendAsync(HttpMethod.Get, path, null, headers);

    public Task<Answer> PostAsync(string path, object? body = null, params (string Name, string Value)[] headers) =>
        SendAsync(HttpMethod.Post, path, body, headers);

    public Task<Answer> PutAsync(string path, object body) => SendAsync(HttpMethod.Put, path, body);

    public Task<Answer> PatchAsync(string path, object body, string? ifMatch = null) =>
        SendAsync(HttpMethod.Patch, path, body, ifMatch is null ? [] : [("If-Match", ifMatch)]);

    public Task<Answer> DeleteAsync(string path) => SendAsync(HttpMethod.Delete, path, null);

    /// <param name="method">Verb.</param>
    /// <param name="path">Path and query.</param>
    /// <param name="body">A text is sent as it stands, anything else as JSON.</param>
    /// <param name="headers">More headers.</param>
    public async Task<Answer> SendAsync(HttpMethod method, string path, object? body, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(method, path);
        if (body is not null)
            request.Content = new StringContent(body as string ?? JsonSerializer.Serialize(body), new MediaTypeHeaderValue("application/json"));
        foreach (var (name, value) in headers)
            request.Headers.TryAddWithoutValidation(name, value);
        using var response = await http.SendAsync(request, TestContext.Current.CancellationToken);
        return new Answer(
            (int)response.StatusCode, await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken),
            response.Headers.Concat(response.Content.Headers).ToDictionary(h => h.Key, h => string.Join(", ", h.Value), StringComparer.OrdinalIgnoreCase));
    }
}

/// <summary>What the server answered.</summary>
public sealed record Answer(int Status, string Body, IReadOnlyDictionary<string, string> Headers)
{
    public JsonElement Json => JsonDocument.Parse(Body).RootElement;

    public JsonElement Ok() => Is(200).Json;

    public JsonElement Created() => Is(201).Json;

    public Answer Is(int status)
    {
        Assert.True(Status == status, $"Expected {status}, got {Status}: {Body}");
        return this;
    }

    /// <summary>Refused with this status, for this field, in words that hold these.</summary>
    public void Refused(int status, string? field = null, params string[] words)
    {
        Is(status);
        var error = Json.GetProperty("error");
        Assert.Equal(1000 + status, error.GetProperty("code").GetInt32());
        Assert.NotEmpty(error.Text("trace_id"));
        Assert.Equal(field, error.TextOrNull("field"));
        var message = error.Text("message");
        Assert.All(words, w => Assert.Contains(w, message));
        Assert.DoesNotContain("Berth.", message);
        Assert.DoesNotContain("System.", message);
    }
}

public static class JsonReading
{
    public static string Text(this JsonElement element, string name) => element.GetProperty(name).GetString()!;

    public static string? TextOrNull(this JsonElement element, string name) => element.GetProperty(name).GetString();

    public static int Int(this JsonElement element, string name) => element.GetProperty(name).GetInt32();

    public static IEnumerable<JsonElement> List(this JsonElement element, string? name = null) =>
        (name is null ? element : element.GetProperty(name)).EnumerateArray();

    public static bool Has(this JsonElement list, string id) => list.List().Any(e => e.GetProperty("id").ToString() == id);
}
