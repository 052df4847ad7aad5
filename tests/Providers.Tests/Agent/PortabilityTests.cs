using System.Text;
using System.Text.Json;
using Berth.Core.Agents;
using Berth.Core.Sessions;
using Berth.Fakes;
using Berth.Server.Tests.Agents;

namespace Berth.Providers.Tests.Agent;

/// <summary>
/// The published agent as first process of a container: it starts, its front end answers through the tunnel, the log
/// arrives, the exit code is told. One test for each thing that an image may lack.
/// </summary>
[Trait("Needs", "engine")]
public sealed class PortabilityTests(AgentImages images) : IAsyncLifetime
{
    private const string Id = "01JZZZZZZZZZZZZZZZZZZZZZZA";
    private AgentServer _server = null!;
    private string _container = "";

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        await images.ReadyAsync();
        _server = await AgentServer.StartAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (_container.Length > 0)
            await AgentImages.RunAsync("docker", "rm", "--force", _container);
        await _server.DisposeAsync();
    }

    [Fact]
    public Task StartsInAnImageWithoutShellLibcOrPasswd() => WorksAsync(images.Empty, "user 0");

    [Fact]
    public Task StartsOnMusl() => WorksAsync(images.Musl, "user 0");

    [Fact]
    public Task StartsWithoutOpenSslAndLibstdcxx() => WorksAsync(images.Glibc, "user 0");

    [Fact]
    public Task StartsOnAReadOnlyRoot() => WorksAsync(images.Empty, "user 0", "--read-only");

    [Fact]
    public Task StartsAsAUserThatThePasswdDoesNotKnow() => WorksAsync(images.Empty, "user 12345", "--user", "12345:12345");

    [Fact]
    public Task StartsAsAUserThatThePasswdDoesNotKnowOnAReadOnlyRootWithoutPrivileges() => WorksAsync(
        images.Musl, "user 12345", "--user", "12345:12345", "--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges");

    [Fact]
    public Task IsNotConfusedByWhatAnImageSetsForItsOwnPrograms() => WorksAsync(
        images.Glibc, "user 0",
        "--env", "LD_LIBRARY_PATH=/lib/x86_64-linux-gnu:/lib64", "--env", "OPENSSL_CONF=/nowhere/openssl.cnf", "--env", "SSL_CERT_FILE=/nowhere",
        "--env", "DOTNET_STARTUP_HOOKS=/nowhere.dll", "--env", "DOTNET_gcServer=1", "--env", "DOTNET_ROOT=/nowhere",
        "--env", "COMPlus_EnableDiagnostics=1", "--env", "LANG=xx_XX.UTF-8", "--env", "TZ=Nowhere/Nowhere", "--env", "HTTP_PROXY=http://nowhere:1");

    [Fact]
    public async Task StopsWithinTheGraceTimeWhenTheEngineAsks()
    {
        await StartAsync(images.Empty, ["/answer", "8888"]);
        await ReadyAsync();
        await AgentImages.RunAsync("docker", "stop", "--time", "20", _container);
        Assert.Equal("143", await AgentImages.RunAsync("docker", "wait", _container));
        await Eventually.TrueAsync(() => _server.Hub.LastReport(new SessionKey(Id, 1))?.ExitCode == 143, "the end is told");
    }

    [Fact]
    public async Task ACommandThatIsNotInTheImageIsToldInWords()
    {
        await StartAsync(images.Empty, ["jupyter", "lab"]);
        Assert.Equal("127", await AgentImages.RunAsync("docker", "wait", _container));
        var report = _server.Hub.LastReport(new SessionKey(Id, 1))!;
        Assert.Equal("command_not_found", report.Failure);
        Assert.StartsWith("jupyter is not in the image", report.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AProgramWhoseLoaderIsMissingIsToldInWords()
    {
        await StartAsync(images.Musl, ["/answer", "8888"], "--volume", $"{Path.Combine(images.Bundle, "lib")}:/lib:ro");
        Assert.Equal("127", await AgentImages.RunAsync("docker", "wait", _container));
        Assert.Contains("its loader", _server.Hub.LastReport(new SessionKey(Id, 1))!.Detail, StringComparison.Ordinal);
    }

    private async Task WorksAsync(string image, string who, params string[] options)
    {
        await StartAsync(image, ["/answer", "8888"], options);
        await ReadyAsync();
        var key = new SessionKey(Id, 1);

        Assert.Contains(who, await GetAsync("/hello"), StringComparison.Ordinal);
        await Eventually.TrueAsync(() => Log(key).Contains("answered GET /hello HTTP/1.1", StringComparison.Ordinal), "the log arrives");

        await GetAsync("/end");
        Assert.Equal("7", await AgentImages.RunAsync("docker", "wait", _container));
        Assert.Equal(7, _server.Hub.LastReport(key)?.ExitCode);
        Assert.Contains("answered GET /end HTTP/1.1", Log(key), StringComparison.Ordinal);
        Assert.Empty(_server.Hub.LastReport(key)!.Notices);
    }

    private string Log(SessionKey key) => Encoding.UTF8.GetString(_server.Logs.ReadTail(key, 100));

    private async Task StartAsync(string image, string[] command, params string[] options)
    {
        var key = _server.Expect(Id);
        var folder = _server.Sockets.Folder(Id);
        var order = new AgentOrder
        {
            SessionId = Id,
            Generation = 1,
            Server = $"unix:{AgentFiles.SessionFolder}/{AgentFiles.Socket}",
            Command = command,
            MountDirectory = "/work",
            Port = 8888,
        };
        await File.WriteAllTextAsync(Path.Combine(folder, AgentFiles.Order), JsonSerializer.Serialize(order, CoreJson.Default.AgentOrder), Ct);
        await File.WriteAllTextAsync(Path.Combine(folder, AgentFiles.Token), _server.Tokens.Issue(key), Ct);
        _container = await AgentImages.RunAsync("docker", [
            "run", "--detach", "--label", images.Label, "--network", "none",
            "--volume", $"{images.Bundle}:{AgentFiles.ProgramFolder}:ro", "--volume", $"{folder}:{AgentFiles.SessionFolder}:ro",
            "--mount", "type=tmpfs,destination=/work,tmpfs-mode=1777", .. options, "--entrypoint", AgentFiles.Program, image, "session"]);
    }

    private async Task ReadyAsync()
    {
        try
        {
            await Eventually.TrueAsync(() => _server.Hub.LastReport(new SessionKey(Id, 1))?.Ready == true, "the front end answers");
        }
        catch (TimeoutException e)
        {
            throw new InvalidOperationException(await AgentImages.RunAsync("sh", "-c", $"docker logs {_container} 2>&1"), e);
        }
    }

    private async Task<string> GetAsync(string path)
    {
        await using var stream = await _server.Hub.DialAsync(Id, 8888, Ct);
        await stream.WriteAsync(Encoding.ASCII.GetBytes($"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n"), Ct);
        return await new StreamReader(stream).ReadToEndAsync(Ct);
    }
}
