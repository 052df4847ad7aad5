using Berth.Server.Auth;
using Berth.Server.Tests.Api;
using Dapper;
using Microsoft.Extensions.DependencyInjection;

namespace Berth.Server.Tests.Strangers;

/// <summary>What somebody is, as far as the table's rules ask.</summary>
/// <param name="Name">For the report.</param>
/// <param name="Secret">Bearer token; null: none.</param>
/// <param name="UserId">Whose token it is, or was; null: nobody's.</param>
/// <param name="Username">Theirs.</param>
/// <param name="Role">In the scene's project: 0 none, 1 viewer, 2 editor, 3 owner.</param>
/// <param name="IsAdmin">Whether an admin.</param>
/// <param name="IsSomebody">False: the token proves nothing any more, or never did.</param>
/// <param name="Scope">Of the token.</param>
public sealed record Actor(
    string Name, string? Secret, string? UserId, string? Username, int Role = 0, bool IsAdmin = false, bool IsSomebody = true, TokenScope Scope = TokenScope.All)
{
    public bool UsesPool => Role > 0 || IsAdmin;

    public bool OwnsSession => Role == 3;
}

/// <summary>Everybody who tries each endpoint.</summary>
public sealed class Cast
{
    private readonly List<Actor> _actors = [];

    public IReadOnlyList<Actor> Actors => _actors;

    public Actor Owner => this["owner"];

    public Actor Admin => this["admin"];

    public Actor this[string name] => _actors.Single(a => a.Name == name);

    public static async Task<Cast> MeetAsync(WorldServer server)
    {
        var cast = new Cast();
        foreach (var (name, role) in new[] { ("stranger", 0), ("viewer", 1), ("editor", 2), ("owner", 3), ("admin", 0) })
        {
            var user = (await server.Owner.PostAsync("/api/data/users", new { username = name, is_admin = name == "admin" })).Created();
            var plain = new Actor(name, null, user.Text("id"), name, role, name == "admin");
            cast._actors.Add(plain with { Secret = await TokenAsync(server, plain) });
            if (name is not ("owner" or "admin"))
                continue;
            foreach (var scope in new[] { TokenScope.Sessions, TokenScope.Read })
                cast._actors.Add(plain with { Name = $"{name}'s token to {scope}", Scope = scope, Secret = await TokenAsync(server, plain, scope) });
        }

        var nobody = new Actor("anonymous", null, null, null, IsSomebody: false);
        cast._actors.AddRange(nobody, nobody with { Name = "agent", Secret = "given by the scene" });
        var owner = cast.Owner with { IsSomebody = false };

        var revoked = owner with { Name = "revoked token", Secret = await TokenAsync(server, owner) };
        await using (var db = await server.Db.OpenAsync(CancellationToken.None))
        {
            var id = await db.ExecuteScalarAsync<string>("SELECT max(id) FROM api_tokens");
            (await server.Owner.SendAsync(HttpMethod.Delete, $"/api/berth/tokens/{id}", null, ("Authorization", $"Bearer {owner.Secret}"))).Is(204);
        }

        var expired = owner with { Name = "expired token", Secret = await TokenAsync(server, owner) };
        await server.Db.ExecuteAsync("UPDATE api_tokens SET expires_at = 1 WHERE id = (SELECT max(id) FROM api_tokens)", null, CancellationToken.None);

        var gone = (await server.Owner.PostAsync("/api/data/users", new { username = "gone", is_admin = true })).Created().Text("id");
        var disabled = new Actor("disabled admin", null, gone, "gone", 3, true, IsSomebody: false);
        disabled = disabled with { Secret = await TokenAsync(server, disabled) };
        (await server.Owner.PatchAsync($"/api/data/users/{gone}", new { disabled = true })).Ok();
        cast._actors.AddRange(revoked, expired, disabled);
        return cast;
    }

    public static async Task<string> TokenAsync(WorldServer server, Actor actor, TokenScope scope = TokenScope.All) =>
        (await server.Services.GetRequiredService<ApiTokens>().CreateAsync(
            new Caller(actor.UserId!, actor.Username!, false, CallerKind.Browser, null), new("cast", Scope: scope.Word()), CancellationToken.None)).Secret;
}
