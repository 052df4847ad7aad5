using System.Buffers.Text;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Berth.Fakes;

/// <summary>
/// A token service for a real registry (distribution's token authentication): whoever gives a user's name and password gets
/// what is asked for, anybody else gets a token that opens nothing.
/// </summary>
public sealed class RegistryTokens : IDisposable
{
    /// <summary>Its name, as who issues tokens, and the registry's, as whom they are for.</summary>
    public const string Issuer = "tests", Service = "registry";

    private static readonly TimeSpan Lifetime = TimeSpan.FromMinutes(5);
    private readonly HttpListener listener = new();
    private readonly RSA key = RSA.Create(2048);
    private readonly TimeProvider time;
    private readonly X509Certificate2 certificate;

    private RegistryTokens(TimeProvider time, string[] users)
    {
        this.time = time;
        var request = new CertificateRequest("CN=tests", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        certificate = request.CreateSelfSigned(DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch.AddYears(100));
        using var probe = new TcpListener(IPAddress.Loopback, 0);
        probe.Start();
        Realm = $"http://127.0.0.1:{((IPEndPoint)probe.LocalEndpoint).Port}/token";
        probe.Stop();
        listener.Prefixes.Add(Realm + "/");
        listener.Start();
        _ = ServeAsync(users);
    }

    /// <summary>Where the registry sends its callers.</summary>
    public string Realm { get; }

    /// <summary>What the registry checks tokens with.</summary>
    public string Certificate => certificate.ExportCertificatePem();

    /// <summary>What it gives has run out an hour ago.</summary>
    public bool GivesExpired { get; set; }

    /// <summary>Starts one that knows these users, with the passwords of <see cref="ImageRegistry.PasswordOf"/>.</summary>
    public static RegistryTokens Start(TimeProvider time, params string[] users) => new(time, users);

    /// <inheritdoc/>
    public void Dispose()
    {
        listener.Close();
        certificate.Dispose();
        key.Dispose();
    }

    private async Task ServeAsync(string[] users)
    {
        try
        {
            while (true)
            {
                var context = await listener.GetContextAsync();
                Answer(context, users);
                context.Response.Close();
            }
        }
        catch (Exception e) when (e is HttpListenerException or ObjectDisposedException)
        {
            // It is closed.
        }
    }

    private void Answer(HttpListenerContext context, string[] users)
    {
        var asked = context.Request.QueryString;
        var proof = context.Request.Headers["Authorization"];
        var known = users.Any(u => proof == "Basic " + Convert.ToBase64String(Encoding.UTF8.GetBytes($"{u}:{ImageRegistry.PasswordOf(u)}")));
        if (context.Request.HttpMethod != "GET" || (proof is not null && !known))
        {
            context.Response.StatusCode = (int)(proof is null ? HttpStatusCode.MethodNotAllowed : HttpStatusCode.Unauthorized);
            return;
        }

        JsonArray access = known ? [.. (asked.GetValues("scope") ?? []).Select(Granted)] : [];
        var body = new JsonObject { ["token"] = Sign(asked["service"], access) };
        context.Response.ContentType = "application/json";
        context.Response.OutputStream.Write(Encoding.UTF8.GetBytes(body.ToJsonString()));
    }

    /// <summary>repository:name:pull,push; a name may hold a colon, with a registry's port.</summary>
    private static JsonObject Granted(string scope)
    {
        var (type, rest) = (scope[..scope.IndexOf(':')], scope[(scope.IndexOf(':') + 1)..]);
        return new JsonObject
        {
            ["type"] = type,
            ["name"] = rest[..rest.LastIndexOf(':')],
            ["actions"] = new JsonArray([.. rest[(rest.LastIndexOf(':') + 1)..].Split(',').Select(a => (JsonNode)a)]),
        };
    }

    /// <summary>A JSON Web Token (RFC 7519), with the certificate that it is checked with.</summary>
    private string Sign(string? audience, JsonArray access)
    {
        var now = time.GetUtcNow() - (GivesExpired ? TimeSpan.FromHours(1) : TimeSpan.Zero);
        var header = new JsonObject { ["typ"] = "JWT", ["alg"] = "RS256", ["x5c"] = new JsonArray(Convert.ToBase64String(certificate.RawData)) };
        var claims = new JsonObject
        {
            ["iss"] = Issuer,
            ["aud"] = audience,
            ["nbf"] = (now - Lifetime).ToUnixTimeSeconds(),
            ["iat"] = now.ToUnixTimeSeconds(),
            ["exp"] = (now + Lifetime).ToUnixTimeSeconds(),
            ["jti"] = Guid.NewGuid().ToString("N"),
            ["access"] = access,
        };
        var text = $"{Encode(header)}.{Encode(claims)}";
        return $"{text}.{Base64Url.EncodeToString(key.SignData(Encoding.ASCII.GetBytes(text), HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1))}";
    }

    private static string Encode(JsonObject json) => Base64Url.EncodeToString(JsonSerializer.SerializeToUtf8Bytes(json));
}
