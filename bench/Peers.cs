using System.Diagnostics;
using System.Globalization;

namespace Berth.Bench;

/// <summary>The proxies that are measured against, in front of one app.</summary>
public sealed class Peers : IAsyncDisposable
{
    public const int HubPort = 8381;
    public const int NginxPort = 8382;
    private const int HubApiPort = 8383;

    private readonly string _folder;
    private readonly List<Process> _processes = [];

    public int[] HubProcesses => [_processes[0].Id];

    /// <summary>The master only waits; the one worker is its child.</summary>
    public int[] NginxProcesses =>
        [int.Parse(File.ReadAllText($"/proc/{_processes[1].Id}/task/{_processes[1].Id}/children").Trim(), CultureInfo.InvariantCulture)];

    private Peers(string folder) => _folder = folder;

    public static async Task<Peers> StartAsync(string app)
    {
        var peers = new Peers(Directory.CreateTempSubdirectory("berth-b-").FullName);
        var hub = Path.GetFullPath("artifacts/bench/peers/node_modules/configurable-http-proxy/bin/configurable-http-proxy");
        var token = new Dictionary<string, string> { ["CONFIGPROXY_AUTH_TOKEN"] = Guid.NewGuid().ToString("N") };
        peers.Start("node", [hub, "--ip", "127.0.0.1", "--port", $"{HubPort}", "--api-port", $"{HubApiPort}", "--log-level", "error", "--default-target", $"http://{app}"], token);

        var configuration = Path.Combine(peers._folder, "nginx.conf");
        await File.WriteAllTextAsync(configuration, $$"""
            daemon off;
            worker_processes 1;
            pid {{peers._folder}}/nginx.pid;
            error_log stderr error;
            events { worker_connections 1024; }
            http {
              access_log off;
              client_max_body_size 0;
              client_body_temp_path {{peers._folder}}/body;
              proxy_temp_path {{peers._folder}}/proxy;
              fastcgi_temp_path {{peers._folder}}/f; uwsgi_temp_path {{peers._folder}}/u; scgi_temp_path {{peers._folder}}/s;
              map $http_upgrade $connection_upgrade { default upgrade; '' ''; }
              upstream app { server {{app}}; keepalive 64; }
              server {
                listen 127.0.0.1:{{NginxPort}};
                location / {
                  proxy_pass http://app;
                  proxy_http_version 1.1;
                  proxy_set_header Host $http_host;
                  proxy_set_header Upgrade $http_upgrade;
                  proxy_set_header Connection $connection_upgrade;
                  # As an interactive proxy has to: what comes is passed on at once.
                  proxy_buffering off;
                  proxy_request_buffering off;
                }
              }
            }
            """);
        peers.Start("nginx", ["-p", peers._folder, "-e", "stderr", "-c", configuration]);
        try
        {
            await AnswersAsync(HubPort);
            await AnswersAsync(NginxPort);
            return peers;
        }
        catch
        {
            await peers.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var process in _processes)
        {
            process.Kill(entireProcessTree: true);
            await process.WaitForExitAsync();
            process.Dispose();
        }

        Directory.Delete(_folder, recursive: true);
    }

    private void Start(string program, string[] arguments, IReadOnlyDictionary<string, string>? variables = null)
    {
        var process = Processes.Start(program, arguments, variables);
        _ = process.StandardOutput.ReadToEndAsync();
        _processes.Add(process);
    }

    private static async Task AnswersAsync(int port)
    {
        using var http = new HttpClient();
        for (var watch = Stopwatch.StartNew(); ;)
        {
            try
            {
                using var answer = await http.GetAsync(new Uri($"http://127.0.0.1:{port}/"));
                answer.EnsureSuccessStatusCode();
                return;
            }
            catch (HttpRequestException) when (watch.Elapsed < TimeSpan.FromSeconds(20))
            {
                await Task.Delay(50);
            }
        }
    }
}
