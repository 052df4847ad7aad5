using System.Collections.Concurrent;
using System.Globalization;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Berth.Server.Options;
using Berth.Server.Tests.Api;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace Berth.Server.Tests.Strangers;

/// <summary>
/// Requests made from the description of the running server, right and nearly right: each answer is one that the
/// description has, no answer is a fault, and the server goes on. <c>BERTH_FUZZ_SEED</c> and <c>BERTH_FUZZ_COUNT</c> choose
/// which ones.
/// </summary>
public sealed class FuzzTests
{
    private const int Renew = 500;

    private static int Number(string variable, int standard) =>
        int.TryParse(Environment.GetEnvironmentVariable(variable), CultureInfo.InvariantCulture, out var number) ? number : standard;

    [Fact]
    public async Task WhateverIsSentTheAnswerIsAsDescribed()
    {
        await using var server = new FuzzedServer();
        await server.InitializeAsync();
        var seed = Number("BERTH_FUZZ_SEED", Random.Shared.Next());
        TestContext.Current.SendDiagnosticMessage($"BERTH_FUZZ_SEED={seed}");
        var found = await RunAsync(server, seed, Number("BERTH_FUZZ_COUNT", 10_000));
        Assert.True(found.Count == 0, $"BERTH_FUZZ_SEED={seed}\n{string.Join('\n', found.Take(40))}");
        (await server.Owner.GetAsync("/api/berth/health")).Ok();
    }

    [Fact]
    public async Task AFaultThatIsPlantedIsFound()
    {
        await using var server = new FuzzedServer(Plant);
        await server.InitializeAsync();
        // As many as it takes: how soon a fault is met depends on how many other endpoints there are.
        var found = await RunAsync(server, 4, 60_000, all => all.Any(IsTheFirst) && all.Any(IsTheSecond));
        Assert.Contains(found, IsTheFirst);
        Assert.Contains(found, IsTheSecond);

        static bool IsTheFirst(string fault) => fault.Contains("PATCH /api/data/environments/", StringComparison.Ordinal) && fault.Contains("500", StringComparison.Ordinal);
        static bool IsTheSecond(string fault) => fault.Contains("/api/data/user", StringComparison.Ordinal) && fault.Contains("oops", StringComparison.Ordinal);
    }

    /// <summary>Two endpoints of which one falls over a number, and the other forgets its shape where a name is long.</summary>
    private static async Task Plant(HttpContext context, RequestDelegate next)
    {
        var path = context.Request.Path.Value!;
        if (context.Request.Method == "PATCH" && path.StartsWith("/api/data/environments/", StringComparison.Ordinal))
        {
            context.Request.EnableBuffering();
            var body = await new StreamReader(context.Request.Body, leaveOpen: true).ReadToEndAsync();
            context.Request.Body.Position = 0;
            if (new[] { "9223372036854775808", "2147483648", "1e400", "1e-400" }.Any(n => body.Contains(n, StringComparison.Ordinal)))
                throw new InvalidOperationException("planted");
        }

        if (context.Request.Method == "GET" && path.StartsWith("/api/data/users/xxxxxxxx", StringComparison.Ordinal))
        {
            context.Response.ContentType = "application/json";
            await context.Response.WriteAsync("""{"oops":1}""");
            return;
        }

        await next(context);
    }

    private static async Task<IReadOnlyCollection<string>> RunAsync(FuzzedServer server, int seed, int count, Func<IEnumerable<string>, bool>? enough = null)
    {
        var ct = TestContext.Current.CancellationToken;
        var cast = await Cast.MeetAsync(server);
        using var document = JsonDocument.Parse((await server.Anonymous.GetAsync("/api/openapi.json")).Is(200).Body);
        var requests = new FuzzRequests(document.RootElement, seed);
        var answers = new DescribedAnswer(document.RootElement);
        using var http = new HttpClient(new SocketsHttpHandler { UseCookies = false, AllowAutoRedirect = false, RequestHeaderEncodingSelector = (_, _) => Encoding.UTF8 }) { BaseAddress = server.Address };
        var found = new ConcurrentBag<string>();
        for (var from = 0; from < count && found.Count < 100 && enough?.Invoke(found) is not true; from += Renew)
        {
            var token = await Cast.TokenAsync(server, cast.Admin);
            var ids = await server.IdsAsync(cast);
            await Parallel.ForAsync(from, Math.Min(from + Renew, count), new ParallelOptions { MaxDegreeOfParallelism = 4, CancellationToken = ct }, async (i, _) =>
            {
                var request = requests.Make(i, ids);
                if (await TryAsync(http, request, token, answers) is { } fault)
                    found.Add($"{i}: {request}\n    {fault}");
            });
        }

        return found;
    }

    private static async Task<string?> TryAsync(HttpClient http, FuzzRequest request, string token, DescribedAnswer described)
    {
        var uri = new Uri(http.BaseAddress!.GetLeftPart(UriPartial.Authority) + request.Path, new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true });
        using var message = new HttpRequestMessage(new HttpMethod(request.Method), uri);
        if (request.WithToken)
            message.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        if (request.IfMatch is not null)
            message.Headers.TryAddWithoutValidation("If-Match", request.IfMatch);
        if (request.Body is not null)
        {
            message.Content = new ByteArrayContent(request.Body);
            message.Content.Headers.TryAddWithoutValidation("Content-Type", request.MediaType);
        }

        try
        {
            using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
            using var response = await http.SendAsync(message, HttpCompletionOption.ResponseHeadersRead, limit.Token);
            // A stream of events does not end by itself.
            var stream = response.Content.Headers.ContentType?.MediaType == "text/event-stream";
            return described.Fault(request, response, stream ? "" : await response.Content.ReadAsStringAsync(limit.Token));
        }
        catch (Exception e) when (e is HttpRequestException or OperationCanceledException)
        {
            return $"no answer: {e.Message} {e.InnerException?.Message}";
        }
    }

    private sealed class FuzzedServer(Func<HttpContext, RequestDelegate, Task>? plant = null) : WorldServer
    {
        public async Task<IReadOnlyDictionary<string, string>> IdsAsync(Cast cast)
        {
            // A quota that was set at random must not keep the next scene from starting.
            await Db.ExecuteAsync("DELETE FROM settings WHERE name = 'user_quota'", null, CancellationToken.None);
            await Db.ExecuteAsync("UPDATE users SET quota = NULL", null, CancellationToken.None);
            var scene = await Scene.SetAsync(this, cast);
            // The admin, whose token is used, is to reach everything.
            await Db.ExecuteAsync(
                "INSERT INTO project_members (project_id, user_id, role) VALUES (@project, @admin, 'owner')", new { project = scene.ProjectId, admin = cast.Admin.UserId },
                CancellationToken.None);
            await Db.ExecuteAsync("UPDATE sessions SET user_id = @admin, name = lower(id) WHERE id = @Session", new { scene.Session, admin = cast.Admin.UserId }, CancellationToken.None);
            return new Dictionary<string, string>
            {
                ["projects"] = scene.ProjectId,
                ["project_id"] = scene.ProjectId,
                ["namespaces"] = "owner",
                ["{slug}"] = scene.Project.Text("slug"),
                ["session_launchers"] = scene.OpenLauncher,
                ["launcher_id"] = scene.OpenLauncher,
                ["environments"] = scene.Environment,
                ["environment_id"] = scene.Environment,
                ["resource_pools"] = $"{scene.Pool}",
                ["classes"] = $"{scene.Class}",
                ["{cid}"] = $"{scene.Class}",
                ["resource_class_id"] = $"{OpenClass}",
                ["{session}"] = scene.Session,
                ["users"] = scene.User,
                ["{user}"] = scene.User,
                ["etag"] = scene.Project.Text("etag"),
                ["image"] = "busybox",
                ["container_image"] = "busybox",
                ["default_url"] = "/lab",
                ["tokens"] = scene.User,
                ["new_password"] = "long enough a password",
            };
        }

        protected override ServerOptions Configure(ServerOptions options) => options with { RequestsPerSecond = 0 };

        protected override void Adjust(WebApplicationBuilder builder)
        {
            base.Adjust(builder);
            if (plant is not null)
                builder.Services.AddSingleton<IStartupFilter>(new Planted(plant));
        }

        private sealed class Planted(Func<HttpContext, RequestDelegate, Task> plant) : IStartupFilter
        {
            public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next) => app =>
            {
                app.Use(rest => context => plant(context, rest));
                next(app);
            };
        }
    }
}
