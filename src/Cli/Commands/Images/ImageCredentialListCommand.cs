using Berth.Cli.Output;
using Berth.Cli.Settings;
using Berth.Contracts.Images;
using Berth.Contracts.Json;

namespace Berth.Cli.Commands.Images;

internal sealed class ImageCredentialListCommand : Verb
{
    private static readonly IReadOnlyList<Column<ImageCredentialView>> Columns =
        [new("host", kept => kept.Host), new("username", kept => kept.Username)];

    private readonly Flag<bool> _shared = ImageCredentialFlags.Shared();

    public ImageCredentialListCommand(Surroundings here)
        : base(here, "list", "List your credentials for registries, without passwords")
    {
        Add(_shared);
    }

    public override IReadOnlyList<Example> Examples => [new("image-credentials list", "For which registries you keep some")];

    protected override async Task<int> RunAsync(Call call, CancellationToken ct)
    {
        var kept = await (await call.ConnectAsync(ct)).Client.ListImageCredentialsAsync(call.Get(_shared), ct);
        call.Results.List(kept, BerthJson.Default.ListImageCredentialView, Columns, credential => credential.Host);
        if (kept.Count == 0)
            call.Report.Line("There are none. Keep some with `berth image-credentials set HOST`.");
        return ExitCodes.Ok;
    }
}
