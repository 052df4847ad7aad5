using System.Net;
using System.Text.Json.Nodes;
using Berth.Contracts.Client;
using Berth.Contracts.Sessions;
using Berth.EndToEnd.Tests.House;

namespace Berth.EndToEnd.Tests;

/// <summary>At a limit it works, beyond it is refused; nothing is started twice.</summary>
public sealed class LimitTests(RunningServer server) : IClassFixture<RunningServer>
{
    private static readonly string Longest = new('n', 63);

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Two_starts_of_one_launcher_at_once_are_one_session()
    {
        var project = (await server.Api.ListProjectsAsync(Ct))[0];
        var launcher = await server.Api.SendJsonAsync(
            HttpMethod.Post,
            "api/data/session_launchers",
            new JsonObject
            {
                ["project_id"] = project.Id,
                ["name"] = "web",
                ["environment"] = new JsonObject
                {
                    ["environment_kind"] = "CUSTOM",
                    ["environment_image_source"] = "image",
                    ["name"] = "web",
                    ["container_image"] = Sample.Image,
                    ["port"] = 8000,
                    ["args"] = new JsonArray("python3", "-m", "http.server", "8000"),
                },
            },
            Ct);
        var request = new StartRequest(LauncherId: launcher.GetProperty("id").GetString());

        var started = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => server.Api.StartSessionAsync(request, Ct)));

        Assert.Single(started.Select(s => s.Session.Id).Distinct());
        Assert.Single(started, s => s.Created);
        var id = started[0].Session.Id;
        await server.UntilAsync(id, s => s.Berth.Status == "running", "it runs");
        Assert.Single(await Engine.ContainersAsync(server.Installation));
        await server.RemoveAsync(id);
    }

    [Fact]
    public async Task The_longest_name_the_largest_values_and_the_least_resources_work()
    {
        var request = Sample.WebServer(Longest) with
        {
            Cpu = 0.1,
            MemoryGb = 0.1,
            Env = new Dictionary<string, string> { [new string('V', 256)] = new('v', 500) },
            DefaultUrl = "/" + new string('u', 199),
        };
        var session = await server.StartSessionAsync(request);
        Assert.Equal(Longest, session.Name);
        var host = (await Engine.InspectAsync((await Engine.ContainersOfAsync(server.Installation, session.Id))[0])).GetProperty("HostConfig");
        Assert.Equal(100_000_000, host.GetProperty("NanoCpus").GetInt64());
        Assert.InRange(host.GetProperty("Memory").GetInt64(), 100_000_000, 110_000_000);
        await server.RemoveAsync(session.Id);
    }

    public static TheoryData<string, StartRequest> Beyond => new()
    {
        { "name", Sample.WebServer(Longest + "n") },
        { "name", Sample.WebServer("a/b") },
        { "name", Sample.WebServer("") },
        { "cpu", Sample.WebServer() with { Cpu = 10_000 } },
        { "cpu", Sample.WebServer() with { Cpu = 0 } },
        { "cpu", Sample.WebServer() with { Cpu = -1 } },
        { "memory_gb", Sample.WebServer() with { MemoryGb = 1_000_000 } },
        { "memory_gb", Sample.WebServer() with { MemoryGb = 0 } },
        { "disk_gb", Sample.WebServer() with { DiskGb = 10_000_000 } },
        { "gpu", Sample.WebServer() with { Gpu = "many" } },
        { "port", Sample.WebServer() with { Port = 0 } },
        { "port", Sample.WebServer() with { Port = 65536 } },
        { "image", Sample.WebServer() with { Image = "Not An Image" } },
        { "image", Sample.WebServer() with { Image = new string('i', 501) } },
        { "default_url", Sample.WebServer() with { DefaultUrl = "//elsewhere.example/" } },
        { "env.V", Sample.WebServer() with { Env = new Dictionary<string, string> { ["V"] = new('v', 501) } } },
        { "env.BERTH_X", Sample.WebServer() with { Env = new Dictionary<string, string> { ["BERTH_X"] = "" } } },
        { "repositories[0].url", Sample.WebServer() with { Repositories = [new RepositoryRequest("--upload-pack=/bin/sh")] } },
    };

    [Theory]
    [MemberData(nameof(Beyond), DisableDiscoveryEnumeration = true)]
    public async Task Beyond_a_limit_the_field_is_named_and_nothing_is_started(string field, StartRequest request)
    {
        var refusal = await Assert.ThrowsAsync<ApiException>(() => server.Api.StartSessionAsync(request, Ct));
        Assert.Equal(HttpStatusCode.UnprocessableEntity, refusal.Status);
        Assert.Contains(field, refusal.Problem.Field ?? "", StringComparison.Ordinal);
        Assert.EndsWith(".", refusal.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(await server.Api.ListSessionsAsync(Ct), s => s.Name == request.Name);
    }

    [Fact]
    public async Task A_gpu_that_the_machine_has_not_got_is_refused_in_plain_words()
    {
        var ran = await server.BerthAsync("session", "start", "--image", Sample.Image, "--gpu", "1", "--name", "fast");
        Assert.NotEqual(0, ran.Code);
        Assert.Contains("gpu", ran.Error, StringComparison.OrdinalIgnoreCase);
        Assert.Empty(await Engine.ContainersAsync(server.Installation));
    }

    [Fact]
    public async Task The_servers_port_is_taken()
    {
        var folder = Directory.CreateTempSubdirectory("berth-").FullName;
        var ran = await server.ServerAsync("--data", folder);
        Assert.Equal(1, ran.Code);
        Assert.Contains($"Port {server.Port} is taken by another program", ran.Error, StringComparison.Ordinal);
        Assert.Contains("--port", ran.Error, StringComparison.Ordinal);
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public async Task The_servers_data_folder_is_in_use()
    {
        var ran = await server.ServerAsync("--port", "0");
        Assert.Equal(1, ran.Code);
        Assert.Contains(server.DataFolder, ran.Error, StringComparison.Ordinal);
    }
}
