using System.Collections.Concurrent;
using System.Formats.Tar;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Berth.Core.Ids;
using Berth.Fakes;
using Berth.Providers.Docker;

namespace Berth.Providers.Tests.Docker;

/// <summary>
/// A real engine, an installation of Berth on it, and a small image of its own, made from a static busybox because
/// registries may be out of reach. Whatever carries the installation's label is removed in the end, whatever happened.
/// </summary>
public sealed class EngineFixture : IAsyncLifetime
{
    private readonly string folder = Directory.CreateTempSubdirectory("berth-test-").FullName;
    private readonly HttpClient http;
    private readonly ConcurrentBag<string> images = [];

    public EngineFixture()
    {
        Installation = Ulid.New(TimeProvider.System);
        var address = new EngineFinder(null, Environment.GetEnvironmentVariable, TimeProvider.System);
        http = new HttpClient(new SocketsHttpHandler
        {
            ConnectCallback = async (_, ct) =>
            {
                using var client = await address.FindAsync(ct);
                return new NetworkStream(await EngineAddress.Parse(client.Info.Address).ConnectAsync(ct), ownsSocket: true);
            },
        })
        { BaseAddress = new Uri("http://engine") };
        Provider = Make(Installation);
        Stranger = Make(Installation + "-other");
    }

    public string Installation { get; }

    public DockerProvider Provider { get; }

    /// <summary>Another installation on the same engine.</summary>
    public DockerProvider Stranger { get; }

    /// <summary>Busybox; runs as root.</summary>
    public string Image => ImageName("root");

    /// <summary>Runs as jane (1234:1235), has a folder of its own, a variable, and something at <c>/work</c>.</summary>
    public string JanesImage => ImageName("jane");

    /// <summary>A provider of the same installation that differs in its options.</summary>
    public DockerProvider With(Func<DockerOptions, DockerOptions> change) => new(change(Options(Installation)), TimeProvider.System);

    public DockerOptions Options(string installation) => new()
    {
        InstallationId = installation,
        AgentFolder = Path.Combine(folder, "agent"),
        SessionsFolder = Path.Combine(folder, "s"),
        ImagesFolder = Path.Combine(folder, "images"),
    };

    public string MakeFolder(string name) => Directory.CreateDirectory(Path.Combine(folder, name)).FullName;

    public async ValueTask InitializeAsync()
    {
        StandInAgent.WriteTo(Path.Combine(folder, "agent"));
        await ImportAsync(Image, [], "CMD [\"stay\"]");
        await ImportAsync(
            JanesImage,
            [("home/jane/", 1234), ("data/", 1234), ("data/sub/", 1234)],
            "USER jane", "WORKDIR /home/jane", "ENV GREETING=hello", "ENTRYPOINT [\"environment\"]", "CMD [\"more\"]", "VOLUME /cache");
    }

    /// <summary>Sends a call of the engine's API as anybody else would.</summary>
    public async Task<string> CallAsync(HttpMethod method, string path, HttpContent? body = null, string auth = "e30=")
    {
        using var request = new HttpRequestMessage(method, path) { Content = body };
        request.Headers.Add("X-Registry-Auth", auth); // {}, where none is said: pushes need some
        using var response = await http.SendAsync(request);
        return await response.Content.ReadAsStringAsync();
    }

    public void RemoveInTheEnd(string image) => images.Add(image);

    /// <summary>What the engine sends, as it comes.</summary>
    public Task<Stream> ReadAsync(string path) => http.GetStreamAsync(new Uri(path, UriKind.Relative));

    public Task<string> BusyboxAsync() => DebianProgram.FindAsync("busybox", "busybox-static", folder);

    public async ValueTask DisposeAsync()
    {
        foreach (var (provider, installation) in new[] { (Provider, Installation), (Stranger, Installation + "-other") })
        {
            using var engine = await new EngineFinder(null, Environment.GetEnvironmentVariable, TimeProvider.System).FindAsync(default);
            foreach (var container in await engine.ListContainersAsync([$"{DockerLabels.Installation}={installation}"], default))
                await engine.RemoveContainerAsync(container.Id, default);
            foreach (var volume in await Volumes(installation))
                await engine.RemoveVolumeAsync(volume, default);
            await provider.RemoveNetworkAsync(default);
            provider.Dispose();
        }

        foreach (var image in images)
            await CallAsync(HttpMethod.Delete, $"/images/{image}?force=1");
        Directory.Delete(folder, recursive: true);
        http.Dispose();
    }

    /// <summary>Names of an installation's volumes.</summary>
    public async Task<string[]> Volumes(string installation)
    {
        var filter = Uri.EscapeDataString($$"""{"label":["{{DockerLabels.Installation}}={{installation}}"]}""");
        using var answer = JsonDocument.Parse(await CallAsync(HttpMethod.Get, $"/volumes?filters={filter}"));
        return answer.RootElement.GetProperty("Volumes") is { ValueKind: JsonValueKind.Array } volumes
            ? [.. volumes.EnumerateArray().Select(v => v.GetProperty("Name").GetString()!)]
            : [];
    }

    private DockerProvider Make(string installation) => new(Options(installation), TimeProvider.System);

    /// <summary>Under <c>localhost/</c>, which is no registry's: no engine and no Berth asks for it elsewhere.</summary>
    public string ImageName(string variant) => $"localhost/berth-test/busybox-{variant}:{Installation.ToLowerInvariant()}";

    /// <summary>Makes an image of nothing for another processor.</summary>
    public async Task<string> ForeignImageAsync(string architecture)
    {
        var name = ImageName(architecture);
        var layer = new byte[1024]; // an empty tar file
        var config = $$$"""
            {"architecture":"{{{architecture}}}","os":"linux","config":{"Cmd":["stay"]},
             "rootfs":{"type":"layers","diff_ids":["sha256:{{{Convert.ToHexStringLower(SHA256.HashData(layer))}}}"]}}
            """;
        using var bytes = new MemoryStream();
        await using (var tar = new TarWriter(bytes, leaveOpen: true))
        {
            (string, byte[])[] files =
            [
                ("config.json", Encoding.UTF8.GetBytes(config)), ("layer.tar", layer),
                ("manifest.json", Encoding.UTF8.GetBytes($$"""[{"Config":"config.json","RepoTags":["{{name}}"],"Layers":["layer.tar"]}]""")),
            ];
            foreach (var (file, content) in files)
                await tar.WriteEntryAsync(new PaxTarEntry(TarEntryType.RegularFile, file) { DataStream = new MemoryStream(content) });
        }

        using var body = new ByteArrayContent(bytes.ToArray());
        body.Headers.ContentType = new("application/x-tar");
        await CallAsync(HttpMethod.Post, "/images/load", body);
        images.Add(name);
        return name;
    }

    public async Task ImportAsync(string name, (string Path, int Uid)[] folders, params string[] changes)
    {
        using var bytes = new MemoryStream();
        await using (var tar = new TarWriter(bytes, TarEntryFormat.Pax, leaveOpen: true))
        {
            (string, int)[] usual = [("bin/", 0), ("etc/", 0), ("work/", 0)];
            foreach (var (path, uid) in usual.Concat(folders))
                await tar.WriteEntryAsync(new PaxTarEntry(TarEntryType.Directory, path) { Uid = uid, Gid = uid == 0 ? 0 : uid + 1, Mode = (UnixFileMode)0b111_101_101 });
            await tar.WriteEntryAsync(new PaxTarEntry(TarEntryType.Directory, "tmp/") { Mode = (UnixFileMode)0b001_111_111_111 });
            await tar.WriteEntryAsync(await BusyboxAsync(), "bin/busybox");
            foreach (var applet in (string[])["sh", "cat", "sed", "awk", "grep", "sleep", "echo", "id", "stat", "touch", "mkdir", "tail", "df", "nc", "ip", "httpd", "chown"])
                await tar.WriteEntryAsync(new PaxTarEntry(TarEntryType.SymbolicLink, $"bin/{applet}") { LinkName = "busybox" });
            using var content = new MemoryStream("of the image\n"u8.ToArray());
            if (folders.Any(f => f.Path == "data/sub/"))
                await tar.WriteEntryAsync(new PaxTarEntry(TarEntryType.RegularFile, "data/sub/file") { DataStream = content, Mode = (UnixFileMode)0b110_100_100 });
            using var passwd = new MemoryStream("root:x:0:0::/root:/bin/sh\njane:x:1234:1235::/home/jane:/bin/sh\n"u8.ToArray());
            await tar.WriteEntryAsync(new PaxTarEntry(TarEntryType.RegularFile, "etc/passwd") { DataStream = passwd, Mode = (UnixFileMode)0b110_100_100 });
        }

        bytes.Position = 0;
        var query = string.Concat(changes.Select(c => "&changes=" + Uri.EscapeDataString(c)));
        using var response = await http.PostAsync($"/images/create?fromSrc=-&repo={name}{query}", new StreamContent(bytes));
        Assert.True(response.IsSuccessStatusCode, await response.Content.ReadAsStringAsync());
        images.Add(name);
    }
}
