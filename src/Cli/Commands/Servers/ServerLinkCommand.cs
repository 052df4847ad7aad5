namespace Berth.Cli.Commands.Servers;

internal sealed class ServerLinkCommand(Surroundings here) : Verb(here, "link", "Print a link that signs a browser in once, as you")
{
    public override IReadOnlyList<Example> Examples => [new("server link", "Valid for ten minutes, for one browser")];

    protected override async Task<int> RunAsync(Call call, CancellationToken ct)
    {
        var server = await call.ConnectAsync(ct);
        var link = await server.Client.CreateSignInLinkAsync(ct);
        call.Here.Out.WriteLine(link.Url);
        return ExitCodes.Ok;
    }
}
