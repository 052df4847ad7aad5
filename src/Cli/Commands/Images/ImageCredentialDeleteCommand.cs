using System.CommandLine;
using Berth.Cli.Settings;

namespace Berth.Cli.Commands.Images;

internal sealed class ImageCredentialDeleteCommand : Verb
{
    private readonly Argument<string> _host = new("host") { Description = "The registry" };
    private readonly Flag<bool> _shared = ImageCredentialFlags.Shared();

    public ImageCredentialDeleteCommand(Surroundings here)
        : base(here, "delete", "Forget credentials for a registry")
    {
        Add(_host);
        Add(_shared);
    }

    public override IReadOnlyList<Example> Examples => [new("image-credentials delete ghcr.io", "What runs goes on; new starts need others")];

    protected override async Task<int> RunAsync(Call call, CancellationToken ct)
    {
        await (await call.ConnectAsync(ct)).Client.DeleteImageCredentialAsync(call.Get(_host)!, call.Get(_shared), ct);
        call.Report.Line($"There are no credentials for {call.Get(_host)} any more.");
        return ExitCodes.Ok;
    }
}
