using System.Security.Claims;
using System.Text;
using System.Text.Json;
using Berth.Server.Auth;
using Berth.Server.Tests.Api;
using Dapper;
using Microsoft.AspNetCore.Antiforgery;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace Berth.Server.Tests.Strangers;

/// <summary>
/// Every endpoint of the running server, tried by everybody with a request that is right in all but who sends it. What comes
/// of it is what the table's row says; a call that is refused changes nothing.
/// </summary>
public sealed class AccessMatrixTests(WorldServer server) : IClassFixture<WorldServer>, IDisposable
{
    // Pages set cookies, and here each request has its own.
    private readonly HttpClient _tcp = new(new SocketsHttpHandler { UseCookies = false, AllowAutoRedirect = false }) { BaseAddress = server.Address };

    private enum Outcome
    {
        Allowed,
        SignIn,
        Refused,
        NotFound,
    }

    [Fact]
    public async Task EverybodyMayDoAtEachEndpointWhatTheTableSays()
    {
        var cast = await Cast.MeetAsync(server);
        var scene = await Scene.SetAsync(server, cast);
        var wrong = new List<string>();
        var tried = 0;
        foreach (var (method, pattern) in Endpoints())
        {
            var row = AccessTable.Find(method, pattern)!;
            // Who is refused comes first: they leave everything as it was.
            foreach (var actor in cast.Actors.OrderBy(a => Expected(row, a) == Outcome.Allowed))
            {
                tried++;
                var expected = Expected(row, actor);
                var token = pattern.Contains("/tokens/{id}") && actor.IsSomebody ? await OwnTokenAsync(actor) : "01JQ8Z4N6T3V5W7X9Y1A2B3C4D";
                var before = expected == Outcome.Allowed ? "" : await StateAsync();
                // The page of a problem, asked for without one, says by itself that there is none.
                if (pattern == "/problem")
                    continue;
                var status = await TryAsync(method, pattern, scene, actor, token);
                if (!Fits(expected, status, method, pattern))
                    wrong.Add($"{method} {pattern}: {actor.Name} got {status}, and should be {expected}");
                if (expected != Outcome.Allowed && await StateAsync() is var after && after != before)
                    wrong.Add($"{method} {pattern}: {actor.Name}, who is {expected}, changed something:\n{Difference(before, after)}");
                // What is made beside the scene leaves it as it is.
                if (expected == Outcome.Allowed && method != "GET" && pattern.Contains('{'))
                    scene = await Scene.SetAsync(server, cast);
            }
        }

        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
        Assert.True(tried > 1500, $"{tried} calls are too few for a matrix");
    }

    public void Dispose() => _tcp.Dispose();

    /// <summary>From the row alone: its rule and its scope.</summary>
    private static Outcome Expected(AccessRow row, Actor actor) => row.Rule switch
    {
        AccessRule.Anonymous => Outcome.Allowed,
        // Users are no agents and no machines, and this session's agent has a socket of its own to come through.
        AccessRule.Agent or AccessRule.Node => Outcome.SignIn,
        _ when !actor.IsSomebody => Outcome.SignIn,
        _ when !row.Scope.Admits(actor.Scope) => Outcome.Refused,
        AccessRule.SignedIn => Outcome.Allowed,
        AccessRule.Admin => actor.IsAdmin ? Outcome.Allowed : Outcome.Refused,
        AccessRule.Local => Outcome.Refused,
        AccessRule.ProjectReader => InProject(actor, 1),
        AccessRule.ProjectEditor => InProject(actor, 2),
        AccessRule.ProjectOwner => InProject(actor, 3),
        AccessRule.PoolUser => actor.UsesPool ? Outcome.Allowed : Outcome.NotFound,
        AccessRule.SessionOwner => actor.OwnsSession ? Outcome.Allowed : Outcome.NotFound,
        AccessRule.NodeOwner => actor.IsAdmin || actor.OwnsSession ? Outcome.Allowed : Outcome.NotFound,
        var other => throw new InvalidOperationException($"This test does not know the rule {other}."),
    };

    private static Outcome InProject(Actor actor, int role) =>
        actor.Role >= role ? Outcome.Allowed : actor.Role > 0 ? Outcome.Refused : Outcome.NotFound;

    private static bool Fits(Outcome expected, int status, string method, string pattern) => expected switch
    {
        // A thing's state may be in the way of who may: 409.
        Outcome.Allowed => status is < 400 or 409,
        Outcome.SignIn => status == 401,
        Outcome.Refused => status == 403,
        // To delete what is not there succeeds; that it is still there is checked beside.
        Outcome.NotFound => status == 404 || (method == "DELETE" && status == 204) || (pattern.EndsWith("}/delete") && status == 303),
        _ => false,
    };

    private async Task<int> TryAsync(string method, string pattern, Scene scene, Actor actor, string ownToken)
    {
        var secret = actor.Name == "agent" ? scene.AgentToken : actor.Secret;
        var path = scene.Path(pattern, ownToken);
        path += pattern switch
        {
            "/api/data/sessions/images" => "?image_url=busybox",
            "/launchers/new" => $"?project_id={scene.ProjectId}",
            _ => "",
        };
        using var request = new HttpRequestMessage(new HttpMethod(method), path);
        if (secret is not null)
            request.Headers.Authorization = new("Bearer", secret);
        if (method == "PATCH" && pattern == "/api/data/projects/{id}")
            request.Headers.TryAddWithoutValidation("If-Match", scene.Project.Text("etag"));
        if (method != "GET")
            Fill(request, WellFormed.Body($"{method} {pattern}", scene, actor), actor);
        // Where an address may guess only so often, the local socket does not; a header goes before it.
        var http = actor.IsSomebody || secret is null ? _tcp : server.Owner.Http;
        using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
        return (int)response.StatusCode;
    }

    private void Fill(HttpRequestMessage request, object? body, Actor actor)
    {
        if (body is not Dictionary<string, string> fields)
        {
            if (body is not null)
                request.Content = new StringContent(JsonSerializer.Serialize(body), Encoding.UTF8, "application/json");
            return;
        }

        var context = new DefaultHttpContext { RequestServices = server.Services };
        if (actor.IsSomebody)
        {
            context.User = new ClaimsPrincipal(new ClaimsIdentity(
                [new Claim(ClaimTypes.NameIdentifier, actor.UserId!), new Claim(ClaimTypes.Name, actor.Username!)], "Berth"));
        }

        var form = server.Services.GetRequiredService<IAntiforgery>().GetAndStoreTokens(context);
        request.Headers.TryAddWithoutValidation("Cookie", context.Response.Headers.SetCookie.ToString().Split(';')[0]);
        request.Content = new FormUrlEncodedContent([.. fields, KeyValuePair.Create(form.FormFieldName, form.RequestToken!)]);
    }

    private async Task<string> OwnTokenAsync(Actor actor)
    {
        await Cast.TokenAsync(server, actor);
        await using var db = await server.Db.OpenAsync(CancellationToken.None);
        return (await db.ExecuteScalarAsync<string>("SELECT max(id) FROM api_tokens WHERE user_id = @UserId", new { actor.UserId }))!;
    }

    /// <summary>All that the database holds, but for what moves by itself.</summary>
    private async Task<string> StateAsync()
    {
        await using var db = await server.Db.OpenAsync(CancellationToken.None);
        var all = new StringBuilder();
        foreach (var table in await db.QueryAsync<string>("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT IN ('leases') ORDER BY name"))
        {
            foreach (IDictionary<string, object?> row in await db.QueryAsync($"SELECT * FROM {table} ORDER BY 1, 2"))
            {
                if (table == "session_events" && row["kind"] is "stage")
                    continue;
                all.Append(table).Append(": ").AppendJoin(", ", row.Where(c => !Moving.Contains(c.Key)).Select(c => $"{c.Key}={c.Value}")).Append('\n');
            }
        }

        return all.ToString();
    }

    // The reconciler takes steps with sessions that have just been started, in its own time.
    private static readonly string[] Moving = ["step", "stage", "stage_detail", "stages", "version", "starting_since", "last_used", "last_used_at", "status_since"];

    private static string Difference(string before, string after) =>
        string.Join('\n', after.Split('\n').Except(before.Split('\n')).Select(l => $"  + {l}").Concat(before.Split('\n').Except(after.Split('\n')).Select(l => $"  - {l}")));

    private List<(string Method, string Pattern)> Endpoints() =>
        [.. from endpoint in server.Services.GetServices<EndpointDataSource>().SelectMany(s => s.Endpoints).OfType<RouteEndpoint>().Distinct()
            from method in endpoint.Metadata.GetMetadata<HttpMethodMetadata>()?.HttpMethods ?? ["*"]
            select (method, AccessTable.Normalize(endpoint.RoutePattern.RawText))];
}
