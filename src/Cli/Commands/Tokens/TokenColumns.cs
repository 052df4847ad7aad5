using Berth.Cli.Output;
using Berth.Contracts.Users;

namespace Berth.Cli.Commands.Tokens;

internal static class TokenColumns
{
    public static IReadOnlyList<Column<TokenView>> Of(TimeProvider time) =>
    [
        new("name", token => token.Name),
        new("scope", token => token.Scope),
        new("created", token => Ages.Ago(token.CreatedAt, time.GetUtcNow())),
        new("expires", token => Ages.Until(token.ExpiresAt, time.GetUtcNow())),
        new("used", token => token.LastUsedAt is { } at ? Ages.Ago(at, time.GetUtcNow()) : null),
        new("id", token => token.Id),
    ];
}
