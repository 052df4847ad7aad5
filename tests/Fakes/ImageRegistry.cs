using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace Berth.Fakes;

/// <summary>A real image registry (Debian's <c>docker-registry</c>) on a port of its own; engines trust loopback without TLS.</summary>
public sealed class ImageRegistry : IDisposable
{
    /// <summary>The password of a user of the tests.</summary>
    public static string PasswordOf(string user) => $"{user}-password";

    /// <summary>Her line in an htpasswd file.</summary>
    public const string Ada = "ada:$2y$04$abcdefghijklmnopqrstuuHO6CoUqoMX6ssUAh9QGfTr.kAez4N5S";

    /// <summary>His.</summary>
    public const string Bob = "bob:$2y$04$abcdefghijklmnopqrstuuigviMnTL7PpWsi3c8uj32he27OfP0fi";

    private readonly Process process;

    private ImageRegistry(Process process, string address) => (this.process, Address) = (process, address);

    /// <summary>Such as <c>127.0.0.1:40123</c>: the first part of its images' names.</summary>
    public string Address { get; }

    /// <summary>Starts one that keeps everything in this folder.</summary>
    /// <param name="folder">There.</param>
    /// <param name="users">
    /// Lines of an htpasswd file, in bcrypt (<see cref="Ada"/>, <see cref="Bob"/>); none: everybody may do everything.
    /// </param>
    public static async Task<ImageRegistry> StartAsync(string folder, params string[] users)
    {
        await File.WriteAllLinesAsync(Path.Combine(folder, "users"), users);
        return await StartAsync(folder, users.Length == 0 ? null : $"htpasswd: {{realm: tests, path: {folder}/users}}");
    }

    /// <summary>Starts one that sends its callers to a token service.</summary>
    public static async Task<ImageRegistry> StartAsync(string folder, RegistryTokens tokens)
    {
        ArgumentNullException.ThrowIfNull(tokens);
        await File.WriteAllTextAsync(Path.Combine(folder, "tokens.pem"), tokens.Certificate);
        return await StartAsync(
            folder, $"token: {{realm: \"{tokens.Realm}\", service: {RegistryTokens.Service}, issuer: {RegistryTokens.Issuer}, rootcertbundle: {folder}/tokens.pem}}");
    }

    private static async Task<ImageRegistry> StartAsync(string folder, string? authentication)
    {
        var program = await DebianProgram.FindAsync("docker-registry", "docker-registry", folder);
        using var probe = new TcpListener(IPAddress.Loopback, 0);
        probe.Start();
        var address = $"127.0.0.1:{((IPEndPoint)probe.LocalEndpoint).Port}";
        probe.Stop();

        var config = Path.Combine(folder, "registry.yml");
        await File.WriteAllTextAsync(config, $"""
            version: 0.1
            log:
              level: error
              accesslog:
                disabled: true
            storage:
              filesystem:
                rootdirectory: {Path.Combine(folder, "images")}
            http:
              addr: {address}
            {(authentication is null ? "" : $"auth: {{{authentication}}}")}
            """);
        var server = Process.Start(
            "/bin/sh", ["-c", "exec \"$1\" serve \"$2\" >\"$2.log\" 2>&1", "sh", program, config]);
        using var http = new HttpClient();
        await Eventually.TrueAsync(
            async () =>
            {
                try
                {
                    return (await http.GetAsync(new Uri($"http://{address}/v2/"))).StatusCode == (authentication is null ? HttpStatusCode.OK : HttpStatusCode.Unauthorized);
                }
                catch (HttpRequestException)
                {
                    return false;
                }
            },
            "the registry answers");
        return new ImageRegistry(server, address);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Stop();
        process.Dispose();
    }

    /// <summary>It is away from now on.</summary>
    public void Stop()
    {
        process.Kill();
        process.WaitForExit();
    }
}
