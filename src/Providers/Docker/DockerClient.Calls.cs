using System.Formats.Tar;
using System.Net;
using System.Net.Http.Headers;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using Berth.Core.Faults;
using Berth.Core.Providers;
using Berth.Core.Sessions;

namespace Berth.Providers.Docker;

/// <summary>The calls of the API that are used, in its own terms; a null or false means "it is not there" or "the name is taken".</summary>
internal sealed partial class DockerClient
{
    /// <summary>Bytes of a file of an image that are read at most.</summary>
    private const int MostOfAFile = 1 << 20;

    public Task<ImageReply?> InspectImageAsync(ImageName image, CancellationToken ct) =>
        FindAsync(EngineCall.InspectImage, $"/images/{image}/json", DockerJson.Default.ImageReply, ct);

    /// <summary>By the id that an inspection said.</summary>
    public Task<ImageReply?> InspectImageAsync(string id, CancellationToken ct) =>
        FindAsync(EngineCall.InspectImage, $"/images/{id}/json", DockerJson.Default.ImageReply, ct);

    /// <summary>Fetches an image; <paramref name="heard"/> is told every line. Takes as long as it takes.</summary>
    public Task PullAsync(ImageName image, RegistryCredential? credential, Action<PullLine> heard, CancellationToken ct) =>
        CallAsync(
            EngineCall.Pull,
            HttpMethod.Post,
            $"/images/create?fromImage={Uri.EscapeDataString(image.Text)}",
            null,
            async (response, token) =>
            {
                await RefuseAsync(response, token);
                await foreach (var line in LinesAsync(response, token))
                {
                    var read = JsonSerializer.Deserialize(line, DockerJson.Default.PullLine);
                    if (read?.Error is { } words)
                        throw DockerStates.Refusal(HttpStatusCode.InternalServerError, words);
                    if (read is not null)
                        heard(read);
                }

                return true;
            },
            ct,
            Timeout.InfiniteTimeSpan,
            credential is null ? null : request => request.Headers.Add("X-Registry-Auth", Header(credential)));

    /// <summary>All containers, ended ones too, that carry all these labels.</summary>
    public async Task<ContainerSummary[]> ListContainersAsync(string[] labels, CancellationToken ct)
    {
        try
        {
            return await ListAsync();
        }
        catch (ProviderException e) when (e.Message.Contains("no such process", StringComparison.Ordinal))
        {
            // Podman refuses the whole list where a container's process ended while it was looking at it.
            return await ListAsync();
        }

        Task<ContainerSummary[]> ListAsync() =>
            GetAsync(EngineCall.ListContainers, $"/containers/json?all=1&filters={Filters(("label", labels))}", DockerJson.Default.ContainerSummaryArray, ct);
    }

    public Task<ContainerReply?> InspectContainerAsync(string name, CancellationToken ct) =>
        FindAsync(EngineCall.InspectContainer, $"/containers/{name}/json", DockerJson.Default.ContainerReply, ct);

    /// <summary>False where there is a container of this name.</summary>
    public async Task<bool> CreateContainerAsync(string name, CreateContainer container, CancellationToken ct)
    {
        try
        {
            var path = $"/containers/create?name={name}";
            var body = Json(container, DockerJson.Default.CreateContainer);
            return await SendAsync(EngineCall.CreateContainer, HttpMethod.Post, path, body, [HttpStatusCode.Conflict], Later, ct) != HttpStatusCode.Conflict;
        }
        catch (ProviderException e) when (e.Message.Contains($"\"{name}\" is already in use", StringComparison.Ordinal))
        {
            return false; // as Podman says it, with another status
        }
    }

    /// <summary>
    /// Podman's own call: makes ready for the start. Only then does it copy the image's folder into a new volume, owner
    /// included, which Docker does when the container is made.
    /// </summary>
    public Task InitializeContainerAsync(string name, CancellationToken ct) =>
        SendAsync(EngineCall.InitializeContainer, HttpMethod.Post, $"{Libpod}/containers/{name}/init", null, [HttpStatusCode.NotModified], Later, ct);

    /// <summary>Starting what runs already succeeds.</summary>
    public async Task StartContainerAsync(string name, CancellationToken ct)
    {
        try
        {
            await SendAsync(EngineCall.StartContainer, HttpMethod.Post, $"/containers/{name}/start", null, [HttpStatusCode.NotModified], Later, ct);
        }
        catch (ProviderException e) when (e.Message.Contains("must be in Created or Stopped state to be started", StringComparison.Ordinal))
        {
            // Podman says so where another start came in after it had looked whether it runs.
        }
    }

    /// <summary>Sends the container's stop signal, and KILL once its time is over. What does not run, or is not there, is stopped.</summary>
    public Task StopContainerAsync(string name, CancellationToken ct) =>
        SendAsync(EngineCall.StopContainer, HttpMethod.Post, $"/containers/{name}/stop", null, [HttpStatusCode.NotModified, HttpStatusCode.NotFound], Later, ct);

    /// <summary>Removes a container, running or not, and the nameless volumes that its image declares. Returns once it is gone.</summary>
    public async Task RemoveContainerAsync(string name, CancellationToken ct)
    {
        var status = await SendAsync(
            EngineCall.RemoveContainer, HttpMethod.Delete, $"/containers/{name}?force=1&v=1", null, [HttpStatusCode.NotFound, HttpStatusCode.Conflict], Later, ct);
        if (status == HttpStatusCode.Conflict) // somebody else's removal is in progress
            await SendAsync(EngineCall.RemoveContainer, HttpMethod.Post, $"/containers/{name}/wait?condition=removed", null, [HttpStatusCode.NotFound], Later, ct);
    }

    /// <summary>The last bytes that a container wrote, its two streams as one; null where it is not there.</summary>
    public Task<byte[]?> TailAsync(string name, int lines, CancellationToken ct) =>
        CallAsync<byte[]?>(
            EngineCall.ReadLog,
            HttpMethod.Get,
            // Podman loses what is before an unfinished line when it counts from the end.
            $"/containers/{name}/logs?stdout=1&stderr=1&tail={(Info.IsPodman ? "all" : lines)}",
            null,
            async (response, token) =>
            {
                if (response.StatusCode == HttpStatusCode.NotFound)
                    return null;
                await RefuseAsync(response, token);
                await using var stream = await response.Content.ReadAsStreamAsync(token);
                return await LastWords.ReadAsync(stream, token);
            },
            ct);

    /// <summary>Unpacks a tar file in a folder of the container, running or not.</summary>
    public Task UnpackAsync(string name, string folder, byte[] tar, CancellationToken ct)
    {
        var content = new ByteArrayContent(tar);
        content.Headers.ContentType = new MediaTypeHeaderValue("application/x-tar");
        return SendAsync(EngineCall.Unpack, HttpMethod.Put, $"/containers/{name}/archive?path={Uri.EscapeDataString(folder)}", content, [], Later, ct);
    }

    /// <summary>What is at a path in a container, running or not; null where there is nothing. Opens nothing.</summary>
    public Task<PathStat?> StatAsync(string name, string path, CancellationToken ct) =>
        CallAsync(
            EngineCall.ReadFile,
            HttpMethod.Head,
            $"/containers/{name}/archive?path={Uri.EscapeDataString(path)}",
            null,
            (response, _) => Task.FromResult(
                response.IsSuccessStatusCode && response.Headers.TryGetValues("X-Docker-Container-Path-Stat", out var said)
                    ? JsonSerializer.Deserialize(Convert.FromBase64String(said.First()), DockerJson.Default.PathStat)
                    : null),
            ct);

    /// <summary>Text of a file in a container, running or not; null where there is none.</summary>
    public async Task<string?> ReadFileAsync(string name, string path, CancellationToken ct)
    {
        if (await StatAsync(name, path, ct) is not { IsFile: true } stat)
            return null;
        if (stat.Size > MostOfAFile) // an image is its maker's: it may hold anything there
            throw new ProviderException(Reason.Refused, $"the image's {path} has {stat.Size} bytes, and more than {MostOfAFile} are not read.");
        return await CallAsync(
            EngineCall.ReadFile,
            HttpMethod.Get,
            $"/containers/{name}/archive?path={Uri.EscapeDataString(path)}",
            null,
            async (response, token) =>
            {
                await RefuseAsync(response, token);
                await using var tar = new TarReader(await response.Content.ReadAsStreamAsync(token));
                if ((await tar.GetNextEntryAsync(cancellationToken: token))?.DataStream is not { Length: <= MostOfAFile } data)
                    return null;
                using var reader = new StreamReader(data, Encoding.UTF8);
                return await reader.ReadToEndAsync(token);
            },
            ct,
            Later);
    }

    /// <summary>Makes a volume, or returns the one of that name.</summary>
    public Task<VolumeReply> CreateVolumeAsync(VolumeRequest volume, CancellationToken ct) =>
        CallAsync(
            EngineCall.CreateVolume,
            HttpMethod.Post,
            "/volumes/create",
            Json(volume, DockerJson.Default.VolumeRequest),
            (response, token) => ReadAsync(response, DockerJson.Default.VolumeReply, token),
            ct);

    public Task<VolumeReply?> InspectVolumeAsync(string name, CancellationToken ct) =>
        FindAsync(EngineCall.InspectVolume, $"/volumes/{name}", DockerJson.Default.VolumeReply, ct);

    public Task RemoveVolumeAsync(string name, CancellationToken ct) =>
        SendAsync(EngineCall.RemoveVolume, HttpMethod.Delete, $"/volumes/{name}", null, [HttpStatusCode.NotFound], Later, ct);

    /// <summary>Volumes with a label, without their sizes.</summary>
    public Task<VolumesReply> VolumesAsync(string label, CancellationToken ct) =>
        GetAsync(EngineCall.ListVolumes, $"/volumes?filters={Filters(("label", [label]))}", DockerJson.Default.VolumesReply, ct);

    /// <summary>
    /// All volumes with their sizes, on Podman without their labels: the engine goes through all of their files, which takes as long as it takes.
    /// </summary>
    public Task<DiskReply> MeasureVolumesAsync(CancellationToken ct) =>
        CallAsync(
            EngineCall.MeasureVolumes,
            HttpMethod.Get,
            "/system/df?type=volume",
            null,
            (response, token) => ReadAsync(response, DockerJson.Default.DiskReply, token),
            ct,
            Timeout.InfiniteTimeSpan);

    public Task<NetworkReply?> InspectNetworkAsync(string name, CancellationToken ct) =>
        FindAsync(EngineCall.InspectNetwork, $"/networks/{name}", DockerJson.Default.NetworkReply, ct);

    /// <summary>Refused where a network has this name or this interface.</summary>
    public Task CreateNetworkAsync(NetworkRequest network, CancellationToken ct) =>
        SendAsync(EngineCall.CreateNetwork, HttpMethod.Post, "/networks/create", Json(network, DockerJson.Default.NetworkRequest), [], Soon, ct);

    /// <summary>The same in Podman's own call, which alone can leave out its name server: that one listens on the machine.</summary>
    public Task CreateNetworkAsync(PodmanNetworkRequest network, CancellationToken ct) =>
        SendAsync(EngineCall.CreateNetwork, HttpMethod.Post, $"{Libpod}/networks/create", Json(network, DockerJson.Default.PodmanNetworkRequest), [], Soon, ct);

    public Task RemoveNetworkAsync(string name, CancellationToken ct) =>
        SendAsync(EngineCall.RemoveNetwork, HttpMethod.Delete, $"/networks/{name}", null, [HttpStatusCode.NotFound], Soon, ct);

    /// <summary>
    /// Events of containers with this label, from <paramref name="since"/> on, until the engine ends the stream. Not through
    /// <see cref="CallAsync"/>: an iterator cannot yield from inside a call.
    /// </summary>
    public async IAsyncEnumerable<EngineEvent> EventsAsync(
        string label, string[] actions, DateTimeOffset since, [EnumeratorCancellation] CancellationToken ct)
    {
        var path = $"/events?since={since.ToUnixTimeSeconds()}&filters={Filters(("type", ["container"]), ("label", [label]), ("event", actions))}";
        using var request = new HttpRequestMessage(HttpMethod.Get, prefix + path);
        FaultPoints.Before(EngineCall.ReadEvents);
        using var response = await GuardAsync(() => http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, ct));
        await RefuseAsync(response, ct);
        FaultPoints.After(EngineCall.ReadEvents);
        await using var lines = LinesAsync(response, ct).GetAsyncEnumerator(ct);
        while (await GuardAsync(() => lines.MoveNextAsync().AsTask()))
        {
            if (Read(lines.Current) is { } heard)
                yield return heard;
        }

        EngineEvent? Read(string line)
        {
            try
            {
                return JsonSerializer.Deserialize(line, DockerJson.Default.EngineEvent);
            }
            catch (JsonException e)
            {
                throw Lost("its events cannot be read", e); // such as half a line: the engine went away while it wrote
            }
        }

        async Task<T> GuardAsync<T>(Func<Task<T>> act)
        {
            try
            {
                return await act();
            }
            catch (Exception e) when (e is HttpRequestException or IOException)
            {
                throw Lost(Fault(e), e);
            }
        }
    }

    private static string Header(RegistryCredential credential)
    {
        var auth = new RegistryAuth(credential.Username, credential.Secret, credential.Host);
        return Convert.ToBase64String(JsonSerializer.SerializeToUtf8Bytes(auth, DockerJson.Default.RegistryAuth)).Replace('+', '-').Replace('/', '_');
    }

    private static async IAsyncEnumerable<string> LinesAsync(HttpResponseMessage response, [EnumeratorCancellation] CancellationToken ct)
    {
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync(ct), Encoding.UTF8);
        while (await reader.ReadLineAsync(ct) is { } line)
        {
            if (line.Length > 0)
                yield return line;
        }
    }

    private static string Filters(params (string Key, string[] Values)[] filters) =>
        Uri.EscapeDataString(JsonSerializer.Serialize(
            filters.ToDictionary(f => f.Key, f => f.Values), DockerJson.Default.DictionaryStringStringArray));
}
