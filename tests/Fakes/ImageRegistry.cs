using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace Berth.Fakes;

/// <summary>A real image registry (Debian's <c>docker-registry</c>) on a port of its own; engines trust loopback without TLS.</summary>
public sealed class ImageRegistry : IDisposable
{
    private readonly Process process;

    private ImageRegistry(Process process, string address) => (this.process, Address) = (process, address);

    /// <summary>Such as <c>127.0.0.1:40123</c>: the first part of its images' names.</summary>
    public string Address { get; }

    /// <summary>Starts one that keeps everything in this folder.</summary>
    public static async Task<ImageRegistry> StartAsync(string folder)
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
            """);
        var server = Process.Start(
            "/bin/sh", ["-c", "exec \"$1\" serve \"$2\" >\"$2.log\" 2>&1", "sh", program, config]);
        using var http = new HttpClient();
        await Eventually.TrueAsync(
            async () =>
            {
                try
                {
                    return (await http.GetAsync(new Uri($"http://{address}/v2/"))).IsSuccessStatusCode;
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
        process.Kill();
        process.WaitForExit();
        process.Dispose();
    }
}
