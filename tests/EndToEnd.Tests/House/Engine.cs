using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text.Json;
using Berth.Providers.Docker;

namespace Berth.EndToEnd.Tests.House;

/// <summary>The real engine, spoken to as anybody else on the machine would.</summary>
internal static class Engine
{
    /// <summary>Path of its API's socket.</summary>
    public static readonly string SocketPath =
        (Environment.GetEnvironmentVariable("DOCKER_HOST") ?? "unix:///var/run/docker.sock")["unix://".Length..];

    private static readonly HttpClient Http = new(new SocketsHttpHandler
    {
        ConnectCallback = async (_, ct) =>
        {
            var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(SocketPath), ct);
            return new NetworkStream(socket, ownsSocket: true);
        },
    })
    { BaseAddress = new Uri("http://engine") };

    /// <summary>Ids of all containers of an installation, running or not.</summary>
    public static Task<string[]> ContainersAsync(string installation) => ContainersAsync([$"io.berth.installation={installation}"]);

    /// <summary>Ids of a session's containers, of all its generations.</summary>
    public static Task<string[]> ContainersOfAsync(string installation, string sessionId) =>
        ContainersAsync([$"io.berth.installation={installation}", $"io.berth.session={sessionId}"]);

    /// <summary>Names of an installation's volumes.</summary>
    public static async Task<string[]> VolumesAsync(string installation)
    {
        var found = (await Http.GetFromJsonAsync<JsonElement>($"/volumes?filters={Filter($"io.berth.installation={installation}")}")).GetProperty("Volumes");
        return found.ValueKind == JsonValueKind.Array ? [.. found.EnumerateArray().Select(v => v.GetProperty("Name").GetString()!)] : [];
    }

    /// <summary>What the engine knows of a container.</summary>
    public static Task<JsonElement> InspectAsync(string container) => Http.GetFromJsonAsync<JsonElement>($"/containers/{container}/json");

    public static async Task KillAsync(string container) =>
        (await Http.PostAsync($"/containers/{container}/kill", null)).EnsureSuccessStatusCode();

    /// <summary>Removes whatever carries the installation's label.</summary>
    public static async Task RemoveAllAsync(string installation)
    {
        foreach (var container in await ContainersAsync(installation))
            await Http.DeleteAsync($"/containers/{container}?force=1&v=1");
        foreach (var volume in await VolumesAsync(installation))
            await Http.DeleteAsync($"/volumes/{volume}?force=1");
        // With the network go its rules of the firewall, which only the provider knows.
        using var provider = new DockerProvider(
            new DockerOptions { InstallationId = installation, AgentFolder = "/", SessionsFolder = "/", ImagesFolder = "/", Engine = $"unix://{SocketPath}" }, TimeProvider.System);
        await provider.RemoveNetworkAsync(CancellationToken.None);
    }

    private static async Task<string[]> ContainersAsync(string[] labels)
    {
        var found = await Http.GetFromJsonAsync<JsonElement>($"/containers/json?all=1&filters={Filter(labels)}");
        return [.. found.EnumerateArray().Select(c => c.GetProperty("Id").GetString()!)];
    }

    private static string Filter(params string[] labels) =>
        Uri.EscapeDataString(JsonSerializer.Serialize(new Dictionary<string, string[]> { ["label"] = labels }));
}
