using System.Text.Json;
using Berth.Contracts.Nodes;
using Berth.Core.Ids;
using Berth.Core.Sessions;
using Berth.Fakes;
using Berth.Server.Agents;
using Berth.Server.Auth;
using Berth.Server.Nodes;
using Berth.Server.Tests.Api;
using Microsoft.Extensions.DependencyInjection;

namespace Berth.Server.Tests.Strangers;

/// <summary>One of each thing, made anew for each call that may change one.</summary>
public sealed record Scene(
    JsonElement Project, string Launcher, string OpenLauncher, string Environment, int Pool, int Class, string Session, string AgentToken, string User, string Asset, int OpenClass, string Orphan, string Node, Func<string> NewJoinToken)
{
    private static int _count;

    public string ProjectId => Project.Text("id");

    public static async Task<Scene> SetAsync(WorldServer server, Cast cast)
    {
        var number = Interlocked.Increment(ref _count);
        var (owner, admin) = (Headers(cast.Owner), Headers(cast.Admin));
        var project = (await server.Owner.PostAsync("/api/data/projects", new { name = $"Scene {number}", @namespace = "owner" }, owner)).Created();
        var members = cast.Actors.Where(a => a.Role is 1 or 2 || a.Name == "disabled admin").Select(a => new { id = a.UserId, role = a.Role == 1 ? "viewer" : a.Role == 2 ? "editor" : "owner" });
        (await server.Owner.SendAsync(HttpMethod.Patch, $"/api/data/projects/{project.Text("id")}/members", members, owner)).Is(200);
        var environment = (await server.Owner.PostAsync("/api/data/environments", new { name = $"Scene {number}", container_image = "busybox" }, admin)).Created().Text("id");
        var launcher = await LauncherAsync(project.Text("id"));
        var open = (await server.Owner.PostAsync("/api/data/projects", new { name = $"Open {number}", @namespace = "owner", visibility = "public" }, owner)).Created();
        var openLauncher = await LauncherAsync(open.Text("id"));
        var pool = (await server.Owner.PostAsync("/api/data/resource_pools", new
        {
            name = $"Scene {number}",
            quota = new { cpu = 10, memory = 10, gpu = 0 },
            classes = new[] { WorldServer.Class("first"), new { name = "second", cpu = 0.2, memory = 1, gpu = 0, max_storage = 1 } },
        }, admin)).Created();
        var users = cast.Actors.Where(a => a.Role > 0 && a.UserId is not null).Select(a => a.UserId).Distinct().Select(id => new { id });
        (await server.Owner.SendAsync(HttpMethod.Post, $"/api/data/resource_pools/{pool.Int("id")}/users", users, admin)).Is(201);
        (await server.Owner.SendAsync(HttpMethod.Put, "/api/berth/user_quota", new { sessions = 1000 }, admin)).Is(200); // whatever was tried with it
        var session = (await server.Owner.PostAsync("/api/berth/sessions", new { launcher_id = launcher }, owner)).Created();
        var id = session.Text("id");
        await Eventually.TrueAsync(() => server.Compute.Keys.Any(k => k.SessionId == id), "the session has started");
        var agent = server.Services.GetRequiredService<AgentTokens>().Issue(new SessionKey(id, 1));
        var user = (await server.Owner.PostAsync("/api/data/users", new { username = $"extra{number}" })).Created().Text("id");
        (await server.Owner.PostAsync($"/api/data/resource_pools/{pool.Int("id")}/users", new[] { new { id = user } }, admin)).Is(201);
        (await server.Owner.SendAsync(HttpMethod.Patch, $"/api/data/projects/{project.Text("id")}/members", new[] { new { id = user, role = "viewer" } }, owner)).Is(200);
        var now = (await server.Owner.GetAsync($"/api/data/projects/{project.Text("id")}", owner)).Ok();
        var orphan = Ulid.New(TimeProvider.System);
        server.Compute.Workspaces[SessionKey.NameOfWorkspace(orphan)] = 0;
        var page = (await server.Anonymous.GetAsync("/sign-in")).Is(200).Body;
        var asset = page.Split('"').First(part => part.StartsWith("/assets/", StringComparison.Ordinal));
        var joins = server.Services.GetRequiredService<NodeJoins>();
        var ownerCaller = new Caller(cast.Owner.UserId!, cast.Owner.Username!, false, CallerKind.Token, null);
        string JoinToken() => joins.CreateAsync(ownerCaller, new NodeTokenRequest(Own: true), default).GetAwaiter().GetResult().Token;
        // Each has a loop of the reconciler: one is enough, until it is removed.
        var node = server.Services.GetRequiredService<NodeDirectory>().All.FirstOrDefault(n => n.Row.Name.StartsWith("scene-", StringComparison.Ordinal))?.Row.Id
            ?? (await joins.JoinAsync(new JoinRequest(JoinToken(), $"scene-{number}", NodeSecret.New()), null, default)).Id;
        return new Scene(now, launcher, openLauncher, environment, pool.Int("id"), pool.List("classes").Single(c => c.Text("name") == "second").Int("id"), id, agent, user, asset, server.OpenClass, orphan, node, JoinToken);

        async Task<string> LauncherAsync(string inProject) => (await server.Owner.PostAsync(
            "/api/data/session_launchers",
            new { project_id = inProject, name = "L", environment = new { name = "e", container_image = "busybox" }, resource_class_id = server.OpenClass },
            owner)).Created().Text("id");
    }

    /// <summary>The path of an endpoint, with this scene's things in it.</summary>
    public string Path(string pattern, string ownToken)
    {
        var path = pattern.Replace("/assets/{fingerprint}/{name}", Asset)
            .Replace("/namespaces/{name}/projects/{slug}", $"/namespaces/owner/projects/{Project.Text("slug")}")
            .Replace("{cid:int}", $"{Class}").Replace("/classes/{id:int}", $"/classes/{Class}").Replace("{id:int}", $"{Pool}")
            .Replace("{user}", User).Replace("{session}", Session).Replace("{node}", Node).Replace("{host}", "127.0.0.1:1"); // where no registry answers
        foreach (var (room, id) in new[]
        {
            ("/sessions/", Session), ("/launchers/", Launcher), ("/session_launchers/", Launcher), ("/environments/", Environment),
            ("/projects/", ProjectId), ("/users/", User), ("/tokens/", ownToken), ("/all/", Session), ("/sign_ins/", ownToken), ("/orphans/", Orphan),
        })
            path = path.Replace(room + "{id}", room + id);
        Assert.False(path.Contains('{'), $"This test does not know what stands for the parameters of {pattern}: tell Scene.Path.");
        return path;
    }

    public static (string, string)[] Headers(Actor actor) => actor.Secret is null ? [] : [("Authorization", $"Bearer {actor.Secret}")];
}
