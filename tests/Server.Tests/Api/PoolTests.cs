using System.Text.Json;

namespace Berth.Server.Tests.Api;

public abstract class PoolTests(ApiServer server)
{
    private const string Pools = "/api/data/resource_pools";

    /// <summary>From Renku's manual for remote sessions, word for word.</summary>
    private const string RemotePool =
        """
        {
          "quota": { "cpu": 2560, "memory": 5120, "gpu": 0 },
          "classes": [
            {
              "name": "eiger", "cpu": 256, "memory": 512, "gpu": 0, "max_storage": 10, "default_storage": 1, "default": true,
              "tolerations": [], "node_affinities": []
            }
          ],
          "name": "CSCS - Eiger - Debug",
          "public": false,
          "default": false,
          "remote": {
            "kind": "firecrest", "provider_id": "cscs.ch", "api_url": "https://api.cscs.ch/hpc/firecrest/v2/",
            "system_name": "eiger", "partition": "debug"
          }
        }
        """;

    [Fact]
    public async Task ThisMachineIsTheDefaultPool()
    {
        var pool = (await server.Owner.GetAsync(Pools + "/1")).Ok();
        Assert.True(pool.GetProperty("default").GetBoolean() && pool.GetProperty("public").GetBoolean());
        Assert.Equal(["small", "medium", "large"], pool.List("classes").Select(c => c.Text("name")));
        Assert.All(pool.List("classes"), c => Assert.InRange(c.GetProperty("cpu").GetDouble(), 1, Environment.ProcessorCount));
        var standard = Assert.Single(pool.List("classes"), c => c.GetProperty("default").GetBoolean());
        Assert.True(standard.Int("memory") >= 2);
    }

    [Fact]
    public async Task TheRemotePoolOfTheManualIsTakenAsItStands()
    {
        var made = (await server.Owner.PostAsync(Pools, RemotePool)).Created();
        using var sent = JsonDocument.Parse(RemotePool);
        var remote = made.GetProperty("remote");
        foreach (var field in sent.RootElement.GetProperty("remote").EnumerateObject())
            Assert.Equal(field.Value.GetString(), remote.Text(field.Name));
        var one = made.List("classes").Single();
        foreach (var field in sent.RootElement.GetProperty("classes")[0].EnumerateObject())
            Assert.Equal(field.Value.ToString(), one.GetProperty(field.Name).ToString());
        Assert.Equal(2560, made.GetProperty("quota").GetProperty("cpu").GetDouble());
        (await server.Owner.PostAsync(Pools, RemotePool)).Refused(409, "name");

        // The next step of the manual: the admin adds users to it.
        var (member, memberId) = await server.AddUserAsync("hpc-member");
        var path = $"{Pools}/{made.Int("id")}";
        (await member.GetAsync(path)).Refused(404);
        (await server.Owner.PostAsync(path + "/users", new[] { new { id = memberId } })).Created();
        Assert.Equal("hpc-member", (await server.Owner.GetAsync(path + "/members")).Ok().List().Single().Text("username"));
        (await member.GetAsync(path)).Ok();
        (await member.GetAsync($"/api/data/classes/{one.Int("id")}")).Ok();
        (await member.GetAsync(path + "/users")).Refused(403);
        (await server.Owner.DeleteAsync($"{path}/users/{memberId}")).Is(204);
        (await member.GetAsync(path)).Refused(404);
        (await member.GetAsync($"/api/data/classes/{one.Int("id")}")).Refused(404);
        (await server.Owner.DeleteAsync(path)).Is(204);
    }

    [Theory]
    [InlineData("""{"default":true,"public":false}""", "public", "default pool")]
    [InlineData("""{"default":true,"public":true,"quota":{"cpu":9,"memory":9,"gpu":0}}""", "quota", "default pool")]
    [InlineData("""{"default":true,"public":true,"remote":{"kind":"firecrest","api_url":"https://x/","system_name":"y"}}""", "remote", "default pool")]
    [InlineData("""{"default":true,"public":true}""", "default", "This machine")]
    [InlineData("""{"public":true,"remote":{"kind":"firecrest","api_url":"https://x/","system_name":"y"}}""", "public", "remote pool")]
    [InlineData("""{"remote":{"kind":"firecrest","api_url":"http://x/","system_name":"y"}}""", "remote.api_url", "https")]
    [InlineData("""{"remote":{"kind":"firecrest","api_url":"https://x/"}}""", "remote.system_name", "1 to 99")]
    [InlineData("""{"remote":{"kind":"ssh"}}""", "remote.kind", "firecrest")]
    [InlineData("""{"name":"four"}""", "name", "5 to 40")]
    [InlineData("""{"name":"fortyone-characters-are-one-too-many-----"}""", "name", "5 to 40")]
    [InlineData("""{"quota":{"cpu":1,"memory":8,"gpu":0}}""", "classes[0].cpu", "quota")]
    [InlineData("""{"classes":[]}""", "classes", "at least one")]
    [InlineData("""{"classes":[{"name":"small","cpu":0,"memory":1,"gpu":0,"max_storage":1,"default":true}]}""", "classes[0].cpu", "more than 0")]
    [InlineData("""{"classes":[{"name":"small","cpu":1,"memory":0,"gpu":0,"max_storage":1,"default":true}]}""", "classes[0].memory", "from 1")]
    [InlineData("""{"classes":[{"name":"small","cpu":1,"memory":1,"gpu":-1,"max_storage":1,"default":true}]}""", "classes[0].gpu", "from 0")]
    [InlineData("""{"classes":[{"name":"small","cpu":1,"memory":1,"gpu":0,"max_storage":1,"default_storage":2,"default":true}]}""", "classes[0].default_storage", "max_storage")]
    [InlineData("""{"classes":[{"name":"small","cpu":1,"memory":1,"gpu":0,"max_storage":1}]}""", "classes", "exactly one")]
    [InlineData("""{"classes":[{"name":"small","cpu":1,"memory":1,"gpu":0,"max_storage":1,"default":true,"id":1}]}""", "classes[0].id", "new class")]
    [InlineData("""{"idle_threshold":-1}""", "idle_threshold", "from 0")]
    [InlineData("""{"age_threshold":-1}""", "age_threshold", "from 0")]
    [InlineData("""{"starting_threshold":-1}""", "starting_threshold", "from 0")]
    [InlineData("""{"failed_threshold":99999999}""", "failed_threshold", "from 0")]
    [InlineData("""{"retention_threshold":"1d"}""", "retention_threshold", "")]
    [InlineData("""{"hibernation_warning_period":-1}""", "hibernation_warning_period", "from 0")]
    [InlineData("""{"reach":"magic"}""", "reach", "agent, direct")]
    public async Task WhatAPoolCannotBeIsRefused(string changes, string field, string words)
    {
        var pool = System.Text.Json.Nodes.JsonNode.Parse(
            """{"name":"some pool","classes":[{"name":"small","cpu":2,"memory":4,"gpu":0,"max_storage":10,"default":true}]}""")!.AsObject();
        foreach (var (name, value) in System.Text.Json.Nodes.JsonNode.Parse(changes)!.AsObject())
            pool[name] = value?.DeepClone();
        var answer = await server.Owner.PostAsync(Pools, pool.ToJsonString());
        answer.Refused(field == "default" ? 409 : 422, field, words);
    }

    [Fact]
    public async Task APoolAndItsClassesAreChanged()
    {
        var made = (await server.Owner.PostAsync(Pools, Pool("Changing"))).Created();
        var path = $"{Pools}/{made.Int("id")}";
        var (a, b) = (made.List("classes").First().Int("id"), made.List("classes").Last().Int("id"));

        var patched = (await server.Owner.PatchAsync(path, new { idle_threshold = 60, classes = new[] { new { id = b, cpu = 3.5 } } })).Ok();
        Assert.Equal((60, 2), (patched.Int("idle_threshold"), patched.List("classes").Count()));
        Assert.Equal(3.5, patched.List("classes").Last().GetProperty("cpu").GetDouble());
        var moved = (await server.Owner.PatchAsync(path, new { classes = new[] { new { id = a, @default = false }, new { id = b, @default = true } } })).Ok();
        Assert.Equal(b, moved.List("classes").Single(c => c.GetProperty("default").GetBoolean()).Int("id"));

        (await server.Owner.PatchAsync($"{path}/classes/{b}", new { @default = false })).Refused(422, "default", "exactly one");
        (await server.Owner.PatchAsync($"{path}/classes/{a}", new { @default = true })).Refused(422, "default");
        (await server.Owner.DeleteAsync($"{path}/classes/{b}")).Refused(409, null, "default");
        (await server.Owner.PatchAsync($"{path}/classes/{a}", new { memory = 7 })).Ok();
        (await server.Owner.PatchAsync($"{path}/classes/{a}", new { name = "large" })).Refused(409, "name");
        var added = (await server.Owner.PostAsync($"{path}/classes", new { name = "third", cpu = 1, memory = 1, gpu = 0, max_storage = 1 })).Created();
        Assert.True(added.Int("id") > b);

        (await server.Owner.PutAsync($"{path}/quota", new { cpu = 3, memory = 99, gpu = 0 })).Refused(422, "classes[1].cpu", "quota");
        Assert.Equal(99, (await server.Owner.PutAsync($"{path}/quota", new { cpu = 30, memory = 99, gpu = 0 })).Ok().Int("memory"));
        (await server.Owner.PatchAsync($"{path}/classes/{a}", new { memory = 100 })).Refused(422, "memory", "quota");
        Assert.Equal(50, (await server.Owner.PatchAsync($"{path}/quota", new { memory = 50 })).Ok().Int("memory"));

        var only = (await server.Owner.PutAsync(path, new { name = "Changed", classes = new object[] { new { id = b, name = "large", cpu = 1, memory = 1, gpu = 0, max_storage = 5, @default = true } } })).Ok();
        Assert.Equal(b, only.List("classes").Single().Int("id"));
        Assert.Equal(JsonValueKind.Null, only.GetProperty("quota").ValueKind);
        (await server.Owner.GetAsync($"{path}/quota")).Refused(404);
        (await server.Owner.GetAsync($"{path}/classes/{a}")).Refused(404);
        (await server.Owner.DeleteAsync(path)).Is(204);
        (await server.Owner.DeleteAsync(path)).Is(204);
        (await server.Owner.DeleteAsync(Pools + "/1")).Refused(409, null, "default");
    }

    [Fact]
    public async Task ClassesThatAreLargeEnoughAreMarked()
    {
        var id = (await server.Owner.PostAsync(Pools, Pool("Matching"))).Created().Int("id");
        var pool = (await server.Owner.GetAsync(Pools + "?cpu=2.5&memory=3")).Ok().List().Single(p => p.Int("id") == id);
        Assert.Equal([false, true], pool.List("classes").Select(c => c.GetProperty("matching").GetBoolean()));
        Assert.Equal(JsonValueKind.Null, (await server.Owner.GetAsync($"{Pools}/{id}")).Ok().List("classes").First().GetProperty("matching").ValueKind);
    }

    [Fact]
    public async Task OrdinaryUsersSeePublicPoolsOnlyAndKeepNone()
    {
        var (user, _) = await server.AddUserAsync("pool-user");
        var hidden = (await server.Owner.PostAsync(Pools, Pool("Hidden"))).Created();
        var list = (await user.GetAsync(Pools)).Ok();
        Assert.True(list.Has("1"));
        Assert.False(list.Has($"{hidden.Int("id")}"));
        (await user.GetAsync($"{Pools}/{hidden.Int("id")}/classes")).Refused(404);
        (await user.PostAsync(Pools, Pool("Mine!"))).Refused(403);
        (await user.PatchAsync(Pools + "/1", new { name = "Mine!" })).Refused(403);
        (await user.DeleteAsync(Pools + "/1")).Refused(403);
        var project = (await user.PostAsync("/api/data/projects", new { name = "p" })).Created().Text("id");
        (await user.PostAsync("/api/data/session_launchers", new
        {
            project_id = project,
            name = "L",
            environment = new { name = "e", container_image = "busybox" },
            resource_class_id = hidden.List("classes").First().Int("id"),
        })).Refused(422, "resource_class_id");
    }

    private static object Pool(string name) => new
    {
        name,
        classes = new object[]
        {
            new { name = "small", cpu = 2, memory = 2, gpu = 0, max_storage = 10, @default = true },
            new { name = "large", cpu = 3, memory = 8, gpu = 0, max_storage = 10 },
        },
    };
}

public sealed class SqlitePoolTests(ApiServer server) : PoolTests(server), IClassFixture<ApiServer>;

[Trait("Needs", "postgres")]
public sealed class PostgresPoolTests(PostgresApiServer server) : PoolTests(server), IClassFixture<PostgresApiServer>;
