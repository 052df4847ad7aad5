using Berth.Contracts.Nodes;
using Berth.Server.Tests.Api;

namespace Berth.Server.Tests.Strangers;

/// <summary>For each endpoint that changes something, what a client that means well sends.</summary>
public static class WellFormed
{
    /// <summary>Body of an API's endpoint (an object is JSON), or a page's form. Null: it takes none.</summary>
    public static object? Body(string endpoint, Scene scene, Actor actor)
    {
        Assert.True(Bodies.TryGetValue(endpoint, out var make), $"This test does not know what to send to {endpoint}: tell WellFormed.");
        return make(scene, actor);
    }

    private static readonly object[] NoUsers = [];

    private static Dictionary<string, string> Form(params (string Name, string Value)[] fields) => fields.ToDictionary(f => f.Name, f => f.Value);

    private static readonly Dictionary<string, Func<Scene, Actor, object?>> Bodies = new()
    {
        ["POST /sessions"] = (s, _) => Form(("what", "image"), ("image", "busybox"), ("resource_class_id", $"{s.OpenClass}")),
        ["POST /sessions/{id}/pause"] = (_, _) => Form(),
        ["POST /sessions/{id}/resume"] = (_, _) => Form(),
        ["POST /sessions/{id}/extend"] = (_, _) => Form(),
        ["POST /sessions/{id}/stop"] = (_, _) => Form(),
        ["POST /sessions/{id}/continue"] = (_, _) => Form(),
        ["POST /sessions/{id}/elsewhere"] = (_, _) => Form(),
        ["POST /sessions/all/{id}/pause"] = (_, _) => Form(),
        ["POST /sessions/all/{id}/stop"] = (_, _) => Form(),
        ["POST /sessions/all/{id}/priority"] = (_, _) => Form(("priority", "1")),
        ["POST /launchers"] = (s, _) => Form(("project_id", s.ProjectId), ("name", "New"), ("environment_id", s.Environment)),
        ["POST /launchers/{id}"] = (s, _) => Form(("name", "Renamed"), ("environment_id", s.Environment)),
        ["POST /launchers/{id}/delete"] = (_, _) => Form(),
        ["POST /environments"] = (_, _) => Form(("name", "New"), ("container_image", "busybox")),
        ["POST /environments/{id}"] = (_, _) => Form(("name", "Renamed"), ("container_image", "busybox")),
        ["POST /environments/{id}/delete"] = (_, _) => Form(),
        ["POST /projects"] = (s, _) => Form(("name", $"New {s.ProjectId}")),
        ["POST /projects/{id}"] = (s, _) => Form(("name", "Renamed"), ("etag", s.Project.Text("etag")), ("slug", s.Project.Text("slug"))),
        ["POST /projects/{id}/delete"] = (_, _) => Form(),
        ["POST /projects/{id}/members"] = (s, _) => Form(("id", s.User), ("role", "editor")),
        ["POST /projects/{id}/members/delete"] = (_, a) => Form(("id", a.UserId ?? "")),
        ["POST /pools"] = (s, _) => PoolForm($"New {s.Pool}", ""),
        ["POST /pools/{id:int}"] = (s, _) => PoolForm($"Renamed {s.Pool}", $"{s.Class}"),
        ["POST /pools/{id:int}/delete"] = (_, _) => Form(),
        ["POST /pools/{id:int}/users"] = (s, _) => Form(("user", s.User)),
        ["POST /pools/{id:int}/users/delete"] = (s, _) => Form(("user", s.User)),
        ["POST /nodes/tokens"] = (_, _) => Form(("serves", "me")),
        ["POST /nodes/{node}/drain"] = (_, _) => Form(),
        ["POST /nodes/{node}/resume"] = (_, _) => Form(),
        ["POST /nodes/{node}/remove"] = (_, _) => Form(),
        ["POST /users"] = (s, _) => Form(("username", $"page{s.Pool}")),
        ["POST /users/quota"] = (_, _) => Form(("sessions", "1000")),
        ["POST /users/{id}"] = (_, _) => Form(("first_name", "Ada")),
        ["POST /users/{id}/link"] = (_, _) => Form(),
        ["POST /account/password"] = (_, _) => Form(("current_password", "long enough a password"), ("new_password", "long enough a password"), ("repeated", "long enough a password")),
        ["POST /account/sign-ins/delete"] = (_, _) => Form(),
        ["POST /tokens"] = (_, _) => Form(("name", "new")),
        ["POST /tokens/{id}/delete"] = (_, _) => Form(),
        ["POST /image-credentials"] = (_, _) => Form(("host", "127.0.0.1:1"), ("username", "ada"), ("password", "of ada")),
        ["POST /image-credentials/{host}/delete"] = (_, _) => Form(),
        ["POST /sign-in"] = (_, _) => Form(("username", "nobody"), ("password", "guess"), ("next", "/")),
        ["POST /sign-out"] = (_, _) => Form(),

        ["POST /api/berth/sign_in_links"] = (_, _) => null,
        ["DELETE /api/berth/sign_ins"] = (_, _) => null,
        ["DELETE /api/berth/sign_ins/{id}"] = (_, _) => null,
        ["POST /api/berth/all_sessions/{session}/pause"] = (_, _) => null,
        ["POST /api/berth/all_sessions/{session}/stop"] = (_, _) => null,
        ["POST /api/berth/all_sessions/{session}/priority"] = (_, _) => new { priority = 1 },
        ["POST /api/berth/workspaces/orphans/{id}/adopt"] = (s, _) => new { user = s.User },
        ["DELETE /api/berth/workspaces/orphans/{id}"] = (_, _) => null,
        ["POST /api/data/users/{id}/reset"] = (_, _) => null,
        ["POST /api/berth/tokens"] = (_, _) => new { name = "new" },
        ["DELETE /api/berth/tokens/{id}"] = (_, _) => null,
        ["POST /api/berth/sessions"] = (s, _) => new { image = "busybox", resource_class_id = s.OpenClass },
        ["POST /api/berth/sessions/{session}/pause"] = (_, _) => null,
        ["POST /api/berth/sessions/{session}/resume"] = (_, _) => null,
        ["POST /api/berth/sessions/{session}/stop"] = (_, _) => null,
        ["POST /api/berth/sessions/{session}/extend"] = (_, _) => new { minutes = 10 },
        ["POST /api/berth/sessions/{session}/priority"] = (_, _) => new { priority = -1 },
        ["POST /api/data/sessions"] = (s, _) => new { launcher_id = s.OpenLauncher },
        ["PATCH /api/data/sessions/{session}"] = (_, _) => new { state = "hibernated" },
        ["DELETE /api/data/sessions/{session}"] = (_, _) => null,

        ["POST /api/berth/nodes/tokens"] = (_, _) => new { own = true },
        ["POST /api/berth/nodes/{node}/drain"] = (_, _) => null,
        ["POST /api/berth/nodes/{node}/resume"] = (_, _) => null,
        ["DELETE /api/berth/nodes/{node}"] = (_, _) => null,
        ["POST /api/berth/node/join"] = (s, _) => new { token = s.NewJoinToken(), name = $"lab-{Guid.NewGuid():N}", secret = NodeSecret.New() },
        ["PUT /api/berth/node/offer"] = (_, _) => new { cpu = 2 },

        ["PUT /api/berth/image_credentials/{host}"] = (_, _) => new { username = "ada", password = "of ada" },
        ["DELETE /api/berth/image_credentials/{host}"] = (_, _) => null,
        ["PUT /api/berth/shared_image_credentials/{host}"] = (_, _) => new { username = "ada", password = "of ada" },
        ["DELETE /api/berth/shared_image_credentials/{host}"] = (_, _) => null,

        ["POST /api/berth/password"] = (_, _) => new { new_password = "long enough a password", current_password = "long enough a password" },
        ["PUT /api/berth/user_quota"] = (_, _) => new { sessions = 1000 },
        ["POST /api/data/users"] = (s, _) => new { username = $"new{s.Pool}" },
        ["PATCH /api/data/users/{id}"] = (_, _) => new { first_name = "Ada" },

        ["POST /api/data/projects"] = (s, a) => new { name = $"New {s.ProjectId}", @namespace = a.Username },
        ["PATCH /api/data/projects/{id}"] = (_, _) => new { name = "Renamed" },
        ["DELETE /api/data/projects/{id}"] = (_, _) => null,
        ["PATCH /api/data/projects/{id}/members"] = (s, _) => new[] { new { id = s.User, role = "editor" } },
        ["DELETE /api/data/projects/{id}/members/{user}"] = (_, _) => null,

        ["POST /api/data/environments"] = (_, _) => new { name = "New", container_image = "busybox" },
        ["PATCH /api/data/environments/{id}"] = (_, _) => new { name = "Renamed" },
        ["DELETE /api/data/environments/{id}"] = (_, _) => null,
        ["POST /api/data/session_launchers"] = (s, _) => new { project_id = s.ProjectId, name = "New", environment = new { id = s.Environment } },
        ["PATCH /api/data/session_launchers/{id}"] = (_, _) => new { name = "Renamed" },
        ["DELETE /api/data/session_launchers/{id}"] = (_, _) => null,

        ["POST /api/data/resource_pools"] = (s, _) => new { name = $"New {s.Pool}", classes = new[] { WorldServer.Class("small") } },
        ["PUT /api/data/resource_pools/{id:int}"] = (s, _) => new { name = $"Put {s.Pool}", classes = new[] { WorldServer.Class("second", s.Class) } },
        ["PATCH /api/data/resource_pools/{id:int}"] = (s, _) => new { name = $"Renamed {s.Pool}" },
        ["DELETE /api/data/resource_pools/{id:int}"] = (_, _) => null,
        ["PUT /api/data/resource_pools/{id:int}/quota"] = (_, _) => new { cpu = 20, memory = 20, gpu = 0 },
        ["PATCH /api/data/resource_pools/{id:int}/quota"] = (_, _) => new { cpu = 30 },
        ["POST /api/data/resource_pools/{id:int}/classes"] = (_, _) => new { name = "third", cpu = 0.3, memory = 1, gpu = 0, max_storage = 1 },
        ["PUT /api/data/resource_pools/{id:int}/classes/{cid:int}"] = (_, _) => new { name = "put it", cpu = 0.3, memory = 1, gpu = 0, max_storage = 1 },
        ["PATCH /api/data/resource_pools/{id:int}/classes/{cid:int}"] = (_, _) => new { name = "renamed" },
        ["DELETE /api/data/resource_pools/{id:int}/classes/{cid:int}"] = (_, _) => null,
        ["POST /api/data/resource_pools/{id:int}/users"] = (s, _) => new[] { new { id = s.User } },
        ["PUT /api/data/resource_pools/{id:int}/users"] = (_, _) => NoUsers,
        ["DELETE /api/data/resource_pools/{id:int}/users/{user}"] = (_, _) => null,
        ["POST /api/data/resource_pools/{id:int}/members"] = (s, _) => new[] { new { id = s.User } },
        ["PUT /api/data/resource_pools/{id:int}/members"] = (_, _) => NoUsers,
        ["DELETE /api/data/resource_pools/{id:int}/members/{user}"] = (_, _) => null,
    };

    private static Dictionary<string, string> PoolForm(string name, string classId) => Form(
        ("name", name), ("idle_cpu_threshold", "0.1"), ("class_name", "small"), ("class_id", classId), ("class_cpu", "0.1"), ("class_memory", "1"),
        ("class_gpu", "0"), ("class_max_storage", "1"), ("class_default_storage", "1"), ("class_default", "0"));
}
