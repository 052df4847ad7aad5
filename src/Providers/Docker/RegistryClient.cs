using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Berth.Core.Providers;

namespace Berth.Providers.Docker;

/// <summary>
/// Asks registries of images, by the distribution specification (github.com/opencontainers/distribution-spec): whether
/// somebody may read an image, and for which platforms it is. Not through the engine: Podman has no such call, and neither
/// engine tells a refusal from what is not there. Loopback is spoken to without TLS, as engines do.
/// </summary>
public sealed partial class RegistryClient(TimeProvider time) : IDisposable
{
    private const int MostBytes = 4 << 20;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(8);

    private static readonly string[] Manifests =
    [
        "application/vnd.oci.image.index.v1+json", "application/vnd.docker.distribution.manifest.list.v2+json",
        "application/vnd.oci.image.manifest.v1+json", "application/vnd.docker.distribution.manifest.v2+json",
    ];

    /// <summary>What a registry's challenge says of the token that it wants.</summary>
    private static readonly string[] Asked = ["service", "scope"];

    private readonly HttpClient http = new() { Timeout = Timeout.InfiniteTimeSpan, MaxResponseContentBufferSize = MostBytes };

    /// <inheritdoc/>
    public void Dispose() => http.Dispose();

    /// <summary>Whether these credentials sign in.</summary>
    /// <returns><see cref="RegistryWord.Found"/>: they do, or none are asked for.</returns>
    public Task<RegistryAnswer> SignInAsync(RegistryCredential credential, CancellationToken ct) =>
        GuardAsync(
            async token =>
            {
                using var answer = await GetAsync(new Uri(Root(credential.Host), "/v2/"), credential, credential.Host, token);
                return new RegistryAnswer(WordOf(answer), [], Fault(answer));
            },
            ct);

    internal Task<RegistryAnswer> AskAsync(ImageName image, RegistryCredential? credential, CancellationToken ct) =>
        GuardAsync(
            async token =>
            {
                var uri = new Uri(Root(image.Host), $"/v2/{image.Repository}/manifests/{image.Reference}");
                using var answer = await GetAsync(uri, credential, image.Host, token);
                var word = WordOf(answer);
                return new RegistryAnswer(word, word == RegistryWord.Found ? await PlatformsAsync(answer, image, credential, token) : [], Fault(answer));
            },
            ct);

    /// <summary>Of the list that a name stands for, or of the one image's own description.</summary>
    private async Task<string[]> PlatformsAsync(HttpResponseMessage answer, ImageName image, RegistryCredential? credential, CancellationToken ct)
    {
        var manifest = JsonNode.Parse(await answer.Content.ReadAsByteArrayAsync(ct));
        if (manifest?["manifests"] is JsonArray all)
            return [.. all.Select(m => m?["platform"]).Where(p => (string?)p?["os"] is not (null or "" or "unknown")).Select(Platform).Distinct()];
        if ((string?)manifest?["config"]?["digest"] is not { } digest || !Digest().IsMatch(digest))
            return [];
        using var config = await GetAsync(new Uri(Root(image.Host), $"/v2/{image.Repository}/blobs/{digest}"), credential, image.Host, ct);
        return config.IsSuccessStatusCode && JsonNode.Parse(await config.Content.ReadAsByteArrayAsync(ct)) is { } read && read["os"] is not null
            ? [Platform(read)]
            : [];
    }

    private static string Platform(JsonNode? of) => $"{(string?)of?["os"]}/{(string?)of?["architecture"]}";

    /// <summary>Asks as anybody may; where that is not enough, in the way that the registry names.</summary>
    private async Task<HttpResponseMessage> GetAsync(Uri uri, RegistryCredential? credential, string host, CancellationToken ct)
    {
        var answer = await SendAsync(uri, null, ct);
        if (answer.StatusCode != HttpStatusCode.Unauthorized)
            return answer;
        var bearer = answer.Headers.WwwAuthenticate.FirstOrDefault(c => c.Scheme.Equals("Bearer", StringComparison.OrdinalIgnoreCase));
        var proof = bearer is not null ? await TokenAsync(bearer, credential, host, ct)
            : credential is not null ? Basic(credential)
            : null;
        if (proof is null)
            return answer;
        answer.Dispose();
        return await SendAsync(uri, proof, ct);
    }

    /// <summary>Fetches a token from where the registry says (distribution's token authentication). Null: it gives none.</summary>
    private async Task<AuthenticationHeaderValue?> TokenAsync(
        AuthenticationHeaderValue challenge, RegistryCredential? credential, string host, CancellationToken ct)
    {
        var said = Parameters().Matches(challenge.Parameter ?? "").GroupBy(m => m.Groups["name"].Value).ToDictionary(g => g.Key, g => g.First().Groups["value"].Value);

        // Passwords go to nobody without TLS, but to a registry of this machine.
        if (!said.TryGetValue("realm", out var realm) || !Uri.TryCreate(realm, UriKind.Absolute, out var uri)
            || !(uri.Scheme == Uri.UriSchemeHttps || (uri.Scheme == Uri.UriSchemeHttp && uri.IsLoopback && Root(host).IsLoopback)))
            return null;
        var query = string.Join('&', Asked.Where(said.ContainsKey).Select(name => $"{name}={Uri.EscapeDataString(said[name])}"));
        var where = new UriBuilder(uri) { Query = uri.Query.Length > 1 ? $"{uri.Query}&{query}" : query }.Uri;
        using var answer = await SendAsync(where, credential is null ? null : Basic(credential), ct);
        if (!answer.IsSuccessStatusCode)
            return null;
        var body = JsonNode.Parse(await answer.Content.ReadAsByteArrayAsync(ct));
        return ((string?)body?["token"] ?? (string?)body?["access_token"]) is { } token ? new AuthenticationHeaderValue("Bearer", token) : null;
    }

    private async Task<HttpResponseMessage> SendAsync(Uri uri, AuthenticationHeaderValue? proof, CancellationToken ct)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, uri);
        request.Headers.Authorization = proof;
        foreach (var type in Manifests)
            request.Headers.Accept.ParseAdd(type);
        return await http.SendAsync(request, ct);
    }

    private async Task<RegistryAnswer> GuardAsync(Func<CancellationToken, Task<RegistryAnswer>> ask, CancellationToken ct)
    {
        using var timer = new CancellationTokenSource(Patience, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(ct, timer.Token);
        try
        {
            return await ask(both.Token);
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            return new RegistryAnswer(RegistryWord.Silent, [], $"it did not answer within {Patience.TotalSeconds:0} s");
        }
        catch (Exception e) when (e is HttpRequestException or JsonException or InvalidOperationException or FormatException)
        {
            return new RegistryAnswer(RegistryWord.Silent, [], e.GetBaseException().Message);
        }
    }

    private static RegistryWord WordOf(HttpResponseMessage answer) => answer.StatusCode switch
    {
        >= HttpStatusCode.OK and < HttpStatusCode.MultipleChoices => RegistryWord.Found,
        _ when IsOfTokens(answer) => RegistryWord.Silent,
        HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden => RegistryWord.Refused,
        HttpStatusCode.NotFound => RegistryWord.Missing,
        _ => RegistryWord.Silent,
    };

    /// <summary>It does not take a token that it was given just now, which says nothing of whose it is: clocks differ, or keys.</summary>
    private static bool IsOfTokens(HttpResponseMessage answer) =>
        answer.StatusCode == HttpStatusCode.Unauthorized && answer.Headers.WwwAuthenticate.Any(c => c.Parameter?.Contains("error=\"invalid_token\"", StringComparison.Ordinal) == true);

    private static string? Fault(HttpResponseMessage answer) =>
        IsOfTokens(answer) ? "it does not take what its own token service gives (invalid_token): perhaps their clocks differ"
        : WordOf(answer) == RegistryWord.Silent ? $"it answered {(int)answer.StatusCode}"
        : null;

    private static AuthenticationHeaderValue Basic(RegistryCredential credential) =>
        new("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes($"{credential.Username}:{credential.Secret}")));

    private static Uri Root(string host)
    {
        var secure = new Uri($"https://{(host == ImageName.Hub ? "registry-1.docker.io" : host)}/");
        return secure.IsLoopback ? new Uri($"http://{host}/") : secure;
    }

    [GeneratedRegex("(?<name>[a-z_]+)=\"(?<value>[^\"]*)\"", RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture)]
    private static partial Regex Parameters();

    [GeneratedRegex(@"^[a-z0-9]+:[0-9a-f]{32,}\z", RegexOptions.NonBacktracking)]
    private static partial Regex Digest();
}

/// <summary>What a registry says to somebody who asks for an image.</summary>
public enum RegistryWord
{
    /// <summary>It cannot be asked, or is in trouble: nothing is known.</summary>
    Silent,
    /// <summary>There it is.</summary>
    Found,
    /// <summary>There is no such image, or so it says to whoever asks.</summary>
    Missing,
    /// <summary>Not without credentials, or not with these.</summary>
    Refused,
}

/// <summary>An answer of a registry.</summary>
/// <param name="Word">In one word.</param>
/// <param name="Platforms">Such as <c>linux/amd64</c>.</param>
/// <param name="Fault">What is wrong where it is silent.</param>
public sealed record RegistryAnswer(RegistryWord Word, IReadOnlyList<string> Platforms, string? Fault = null);
