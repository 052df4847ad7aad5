using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text.Json;
using Berth.Fakes;
using Berth.Providers.Docker;

namespace Berth.Providers.Tests.Docker;

/// <summary>An engine of the other kind on this machine: Podman of its own beside Docker, Docker beside Podman.</summary>
internal sealed class OtherEngine : IAsyncDisposable
{
    private const int Port = 8000;
    private readonly string? folder; // of a Podman that was started here
    private readonly HttpClient http;
    private readonly string image;
    private readonly List<string> made = [];

    private OtherEngine(string address, string? folder, string image)
    {
        (this.folder, this.image) = (folder, image);
        http = new HttpClient(new SocketsHttpHandler
        {
            ConnectCallback = async (_, ct) => new NetworkStream(await EngineAddress.Parse(address).ConnectAsync(ct), ownsSocket: true),
        })
        { BaseAddress = new Uri("http://engine") };
    }

    /// <summary>Null where there is none.</summary>
    public static async Task<OtherEngine?> TryFindAsync(EngineFixture engine)
    {
        string? address = "unix:///var/run/docker.sock", own = null;
        if (!(await engine.Provider.GetEngineAsync(CancellationToken.None)).IsPodman)
        {
            own = Path.Combine(engine.MakeFolder("other"), "podman");
            if (!Environment.IsPrivilegedProcess || (address = await PodmanAsync("start", own)) is null)
                return null;
        }
        else if (!File.Exists(EngineAddress.Parse(address).SocketPath))
            return null;

        var other = new OtherEngine(address, own, engine.Image);
        using var copy = new StreamContent(await engine.ReadAsync($"/images/{engine.Image}/get"));
        copy.Headers.ContentType = new("application/x-tar");
        await other.DoAsync(HttpMethod.Post, "/images/load", copy);
        other.made.Add($"/images/{engine.Image}?force=1");
        return other;
    }

    /// <summary>A container on a network of its own that serves <c>/passwd</c>.</summary>
    /// <returns>Its own address and port, and the port of the machine at which it is published.</returns>
    public async Task<(string Address, int Port, int Published)> ServeAsync()
    {
        using var free = new TcpListener(IPAddress.Any, 0);
        free.Start();
        var published = ((IPEndPoint)free.LocalEndpoint).Port;
        free.Stop();

        var name = $"other-{Guid.NewGuid():N}"[..14];
        await MakeNetworkAsync(name);
        made.Insert(0, $"/networks/{name}");
        await DoAsync(HttpMethod.Post, $"/containers/create?name={name}", Json(new
        {
            Image = image,
            Cmd = (string[])["httpd", "-f", "-p", $"{Port}", "-h", "/etc"],
            ExposedPorts = new Dictionary<string, object> { [$"{Port}/tcp"] = new { } },
            HostConfig = new { NetworkMode = name, PortBindings = new Dictionary<string, object> { [$"{Port}/tcp"] = new[] { new { HostPort = $"{published}" } } } },
        }));
        made.Insert(0, $"/containers/{name}?force=1&v=1");
        await DoAsync(HttpMethod.Post, $"/containers/{name}/start");
        var networks = (await http.GetFromJsonAsync<JsonElement>($"/containers/{name}/json")).GetProperty("NetworkSettings").GetProperty("Networks");
        return (networks.EnumerateObject().Single().Value.GetProperty("IPAddress").GetString()!, Port, published);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var thing in made)
            await DoAsync(HttpMethod.Delete, thing);
        http.Dispose();
        if (folder is not null)
            await PodmanAsync("stop", folder);
    }

    private static JsonContent Json(object value) => JsonContent.Create(value, options: new JsonSerializerOptions());

    private async Task DoAsync(HttpMethod method, string path, HttpContent? body = null)
    {
        using var request = new HttpRequestMessage(method, path) { Content = body };
        using var answer = await http.SendAsync(request);
        Assert.True(answer.IsSuccessStatusCode, $"{method} {path}: {await answer.Content.ReadAsStringAsync()}");
    }

    // Podman fails over an interface that goes while it looks at all of them: those of other tests' containers do.
    private async Task MakeNetworkAsync(string name)
    {
        for (var attempt = 1; ; attempt++)
        {
            using var answer = await http.PostAsync("/networks/create", Json(new { Name = name, Driver = "bridge" }));
            if (answer.IsSuccessStatusCode)
                return;
            var words = await answer.Content.ReadAsStringAsync();
            Assert.True(attempt < 5 && words.Contains("no such network interface", StringComparison.Ordinal), words);
        }
    }

    /// <summary>The script's output; null where it fails.</summary>
    private static async Task<string?> PodmanAsync(string verb, string folder)
    {
        using var process = Process.Start(new ProcessStartInfo(Path.Combine(Checkout.Root, "tests/podman"), [verb, folder]) { UseShellExecute = false, RedirectStandardOutput = true })!;
        var said = await process.StandardOutput.ReadLineAsync(); // not to its end: the service keeps the script's streams
        await process.WaitForExitAsync();
        return process.ExitCode == 0 ? said : null;
    }
}
