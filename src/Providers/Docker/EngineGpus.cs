using System.Text.Json.Serialization;

namespace Berth.Providers.Docker;

/// <summary>Whether an engine can give gpus to containers. None tells that itself, before a container is started with one.</summary>
internal static class EngineGpus
{
    // What dockerd looks for on its path when it starts (moby, daemon/nvidia_linux.go); its path is systemd's, or that of who started it.
    private const string Hook = "nvidia-container-runtime-hook";
    private const string UsualPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/snap/bin";

    /// <summary>Why it cannot, in a sentence; null: it can, or nothing is known against it.</summary>
    /// <param name="engine">Which engine.</param>
    /// <param name="info">What it says of itself.</param>
    /// <param name="isHere">It is on this machine.</param>
    /// <param name="path">Folders of programs, of this process.</param>
    public static string? WhyNone(EngineInfo engine, InfoReply info, bool isHere, string? path) =>
        engine.IsPodman ? $"{engine.Product} gives none through Docker's API. Use Docker for sessions with gpus."
        : !isHere || KnowsNvidia(info) || $"{UsualPath}:{path}".Split(':').Any(folder => File.Exists(Path.Combine(folder, Hook))) ? null
        : $"{engine.Product} has no NVIDIA Container Toolkit. Install it, and restart Docker.";

    private static bool KnowsNvidia(InfoReply info) =>
        (info.Runtimes ?? []).Keys.Any(name => name.StartsWith("nvidia", StringComparison.Ordinal))
        || (info.DiscoveredDevices ?? []).Any(device => device.Id?.StartsWith("nvidia.com/gpu=", StringComparison.Ordinal) == true);
}

/// <summary>A program that runs containers, by name in the engine's settings.</summary>
internal sealed record EngineRuntimeReply;

/// <summary>A device that the engine found described on its machine (CDI).</summary>
internal sealed record EngineDevice([property: JsonPropertyName("ID")] string? Id);
