using System.Text.Json.Serialization;
using Berth.Cli.Output;
using Berth.Cli.Servers;

namespace Berth.Cli.Commands.Servers;

/// <summary>A context as listed: without its token.</summary>
internal sealed record ContextEntry(string Name, bool Current, string Url, string? Username);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(List<ContextEntry>))]
internal sealed partial class ContextEntryJson : JsonSerializerContext;

internal sealed class ContextListCommand(Surroundings here) : Verb(here, "list", "List the servers that you are signed in to")
{
    private static readonly IReadOnlyList<Column<ContextEntry>> Columns =
    [
        new("name", entry => entry.Name),
        new("in_use", entry => entry.Current ? "yes" : null),
        new("user", entry => entry.Username),
        new("url", entry => entry.Url),
    ];

    public override IReadOnlyList<Example> Examples => [new("context list", "'local' is the server of this machine and user")];

    protected override Task<int> RunAsync(Call call, CancellationToken ct)
    {
        var all = new ContextStore(call.Here).Read();
        List<ContextEntry> entries =
        [
            new(ContextStore.Local, all.Current == ContextStore.Local, "unix:" + new LocalServer(call.Here).Socket, call.Here.Variable("USER")),
            .. all.Contexts.Select(pair => new ContextEntry(pair.Key, pair.Key == all.Current, pair.Value.Url, pair.Value.Username)),
        ];
        call.Results.List(entries, ContextEntryJson.Default.ListContextEntry, Columns, entry => entry.Name);
        return Task.FromResult(ExitCodes.Ok);
    }
}
