using System.Net;
using Berth.Core.Providers;
using Berth.Core.Sessions;

namespace Berth.Providers.Docker;

/// <summary>The engine's words in ours: states of containers, and refusals.</summary>
internal static class DockerStates
{
    /// <summary>State of a container, as <c>/containers/json</c> spells it.</summary>
    public static ForeignState State(string word) => word switch
    {
        "created" => ForeignState.Created,
        "running" or "paused" or "restarting" => ForeignState.Running,
        "exited" or "dead" or "stopped" => ForeignState.Exited,
        _ => ForeignState.Unknown,
    };

    // The first row whose words are in the engine's sentence says the reason. The engine has no codes beside the HTTP
    // status, which is 500 for nearly all of them; the words have been the same since Docker 19 and are Podman's too
    // where it follows.
    private static readonly (Reason Reason, string[] Words)[] Table =
    [
        (Reason.DiskFull, ["no space left on device", "disk quota exceeded", "not enough free space"]),
        (Reason.NoGpu, ["could not select device driver", "nvidia-container-cli", "nvidia-container-runtime", "unresolvable CDI devices", "[[gpu]]"]),
        (Reason.WrongPlatform, ["no matching manifest", "does not match the specified platform", "does not match the detected host platform",
            "exec format error", "image operating system", "no image found in manifest list", "no image found in image index"]),
        (Reason.NoCapacity, ["range of cpus", "minimum memory limit", "unable to set memory limit", "cannot allocate memory", "available, non-overlapping", "address pools have been fully subnetted"]),
        (Reason.PullFailed, ["dial tcp", "no such host", "i/o timeout", "tls handshake", "toomanyrequests", "too many requests", "x509:", "certificate",
            "server gave http response", "request canceled", "connection reset", "unexpected eof", "failed to register layer", "proxyconnect"]),
        (Reason.ImageNotFound, ["no such image", "pull access denied", "manifest unknown", "manifest for", "name unknown", "name_unknown",
            "repository name not known", "requested access to the resource is denied", "unauthorized", "authentication required", "no basic auth credentials",
            // A registry that was cleaned may still tell of an image whose parts it has no longer.
            "unknown blob", "blob unknown", "invalid reference format", "image not known"]),
        (Reason.CommandNotFound, ["executable file not found", "starting container process caused", "exec: \""]),
    ];

    /// <summary>What a refusal of the engine means.</summary>
    public static ProviderException Refusal(HttpStatusCode status, string? words)
    {
        var clean = Clean(words);
        if (clean.Length == 0)
            clean = $"it answered {(int)status} without a word";
        foreach (var (reason, fragments) in Table)
        {
            if (fragments.Any(f => clean.Contains(f, StringComparison.OrdinalIgnoreCase)))
                return new ProviderException(reason, Sentence(reason, clean));
        }

        // A proxy or socket activator in front of an engine that is down answers in its place.
        return status is HttpStatusCode.BadGateway or HttpStatusCode.ServiceUnavailable or HttpStatusCode.GatewayTimeout
            ? new ProviderException(Reason.EngineUnreachable, clean)
            : new ProviderException(Reason.Refused, clean);
    }

    /// <summary>What a refusal to find or fetch an image means: what the table does not know is a failed pull.</summary>
    public static ProviderException ImageRefusal(ImageName image, ProviderException refusal) => refusal.Reason switch
    {
        Reason.ImageNotFound => new(Reason.ImageNotFound, $"there is no {image}, or you may not read it without credentials, or with those that you keep (`berth image-credentials set`): {refusal.Message}.", refusal),
        Reason.Refused => new(Reason.PullFailed, $"{image}: {refusal.Message}", refusal),
        Reason.PullFailed or Reason.WrongPlatform => new(refusal.Reason, $"{image}: {refusal.Message}", refusal),
        _ => refusal,
    };

    /// <summary>On one line, without the layers of programs that passed it on, at most 500 characters.</summary>
    private static string Clean(string? words)
    {
        var clean = string.Join(' ', (words ?? "").Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
        foreach (var wrapping in (string[])["Error response from daemon: ", "failed to create shim task: ", "failed to create shim: ", "OCI runtime create failed: ", "runc create failed: "])
            clean = clean.Replace(wrapping, "", StringComparison.Ordinal);
        if (clean.EndsWith(": unknown", StringComparison.Ordinal))
            clean = clean[..^": unknown".Length];
        return clean.Length <= 500 ? clean : clean[..500] + "…";
    }

    private static string Sentence(Reason reason, string words) =>
        reason == Reason.NoGpu ? $"the engine has no gpu to give ({words})." : words;
}
