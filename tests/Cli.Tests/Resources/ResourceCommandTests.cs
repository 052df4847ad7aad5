using System.Text.Json;
using Berth.Cli.Tests.House;

namespace Berth.Cli.Tests.Resources;

/// <summary>Each thing from create to delete, against the whole server.</summary>
public sealed class ResourceCommandTests : CommandTest
{
    [Fact]
    public async Task An_environment()
    {
        await OkAsync("environment", "create", "R", "--image", "rocker/rstudio", "--port", "8787", "--default-url", "/", "--command", "rserver", "--command", "-f");
        Assert.Contains("rocker/rstudio", (await OkAsync("environment", "list")).Out, StringComparison.Ordinal);
        await OkAsync("environment", "edit", "R", "--image", "rocker/rstudio:4.5");
        var shown = await JsonAsync("environment", "show", "R");
        Assert.Equal(("rocker/rstudio:4.5", 8787, "rserver"), (
            shown.GetProperty("container_image").GetString(), shown.GetProperty("port").GetInt32(), shown.GetProperty("command")[0].GetString()));
        Assert.Equal(ExitCodes.Usage, (await Berth.RunAsync("environment", "delete", "R")).Code);
        await OkAsync("environment", "delete", "R", "-y");
        Assert.Equal(ExitCodes.NotFound, (await Berth.RunAsync("environment", "show", "R")).Code);
    }

    [Fact]
    public async Task A_project_and_its_launchers()
    {
        await OkAsync("project", "create", "Ice cores", "--repo", "https://example.org/ice/code.git", "--keyword", "ice");
        await OkAsync("project", "edit", "ice-cores", "--description", "Old air");
        Assert.Equal("Old air", (await JsonAsync("project", "show", "ice-cores")).GetProperty("description").GetString());

        await OkAsync("launcher", "create", "analysis", "--project", "ice-cores", "--environment", "jupyter", "--env", "STAGE=test", "--disk", "10G");
        await OkAsync("launcher", "create", "docs", "--image", "nginx", "--port", "80", "--default-url", "/");
        await OkAsync("launcher", "edit", "analysis", "--class", "class-8");
        var launcher = await JsonAsync("launcher", "show", "analysis");
        Assert.Equal((902, 10, "STAGE"), (launcher.GetProperty("resource_class_id").GetInt32(), launcher.GetProperty("disk_storage").GetInt32(),
            launcher.GetProperty("env_variables")[0].GetProperty("name").GetString()));
        Assert.Equal(80, (await JsonAsync("launcher", "show", "docs")).GetProperty("environment").GetProperty("port").GetInt32());

        await OkAsync("start", "--launcher", "ana", "--detach");
        var second = await OkAsync("start", "--launcher", "ana", "--detach");
        Assert.Contains("This launcher has the session", second.Error, StringComparison.Ordinal);
        await OkAsync("stop", "--delete-work", "-y");
        await OkAsync("launcher", "delete", "analysis", "-y");
        await OkAsync("project", "delete", "ice-cores", "-y");
    }

    [Fact]
    public async Task A_pool_and_its_classes()
    {
        await OkAsync("pool", "create", "workstation", "--public", "--cpu", "4", "--memory", "16G", "--max-storage", "50G", "--idle", "8h");
        await OkAsync("class", "create", "large", "--pool", "workstation", "--cpu", "8", "--memory", "32G", "--max-storage", "100G");
        await OkAsync("class", "edit", "workstation/large", "--memory", "64G");
        Assert.Equal(64, (await JsonAsync("class", "show", "workstation/large")).GetProperty("class").GetProperty("memory").GetInt32());
        Assert.Contains("large (workstation/large)", (await Berth.RunAsync("class", "show", "large")).Error, StringComparison.Ordinal);
        Assert.Contains("standard, large", (await OkAsync("pool", "list")).Out, StringComparison.Ordinal);
        await OkAsync("pool", "edit", "workstation", "--idle", "1d");
        Assert.Equal(86400, (await JsonAsync("pool", "show", "workstation")).GetProperty("idle_threshold").GetInt32());
        await OkAsync("class", "delete", "workstation/large", "-y");
        await OkAsync("pool", "delete", "workstation", "-y");
    }

    [Fact]
    public async Task A_pool_from_a_file_or_from_stdin_in_json_or_yaml()
    {
        Berth.Write("work/pool.yaml", "name: from-yaml\npublic: true\nclasses:\n  - {name: small, cpu: 1.0, memory: 2, gpu: 0, max_storage: 5, default: true}\n");
        await OkAsync("pool", "create", "--file", "pool.yaml");
        var ran = await Berth.RunAsync(
            here => here with
            {
                In = new StringReader("""{"name":"replaced","public":true,"classes":[{"name":"small","cpu":1.0,"memory":2,"gpu":0,"max_storage":5,"default":true}]}"""),
            },
            TestContext.Current.CancellationToken, "pool", "create", "from-json", "--file", "-");
        Assert.True(ran.Code == 0, ran.Error);
        Assert.Contains("from-json", (await OkAsync("pool", "list", "-o", "name")).Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_token_works_until_it_is_deleted()
    {
        var created = await OkAsync("token", "create", "ci", "--days", "30");
        Assert.DoesNotContain(created.Line, created.Error, StringComparison.Ordinal);
        Assert.StartsWith("NAME", (await OkAsync("token", "list")).Out, StringComparison.Ordinal);
        await OkAsync("token", "delete", "ci");
        Assert.Equal("", (await OkAsync("token", "list")).Out);
    }

    [Theory]
    [InlineData("environment create", "How shall the environment be called?")]
    [InlineData("environment create x", "say which with --image")]
    [InlineData("launcher create x", "say what with --environment or --image")]
    [InlineData("pool create workstation", "A pool has at least one class")]
    [InlineData("class create large", "say which with --pool")]
    [InlineData("environment edit jupyter", "Nothing to change was said.")]
    [InlineData("pool create x --file nothing.yaml", "--file nothing.yaml cannot be read")]
    [InlineData("class create large --pool Tests --cpu 4 --memory 1M --default-storage 99G", "storage")]
    public async Task What_is_missing_is_said(string line, string words)
    {
        var ran = await Berth.RunAsync(line.Split(' '));
        Assert.Equal(ExitCodes.Usage, ran.Code);
        Assert.Contains(words, ran.Error, StringComparison.Ordinal);
    }

    private async Task<Ran> OkAsync(params string[] args)
    {
        var ran = await Berth.RunAsync(args);
        Assert.True(ran.Code == 0, $"{string.Join(' ', args)}: {ran.Code} {ran.Error}");
        return ran;
    }

    private async Task<JsonElement> JsonAsync(params string[] args) =>
        JsonDocument.Parse((await OkAsync([.. args, "-o", "json"])).Out).RootElement;
}
