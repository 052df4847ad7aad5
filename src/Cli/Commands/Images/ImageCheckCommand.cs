using System.CommandLine;
using Berth.Cli.Output;
using Berth.Contracts.Json;
using Berth.Contracts.Sessions;

namespace Berth.Cli.Commands.Images;

internal sealed class ImageCheckCommand : Verb
{
    private static readonly IReadOnlyList<Column<ImageCheck>> Columns =
    [
        new("exists", check => check.Exists switch { true => "yes", false => "no", null => null }),
        new("accessible", check => check.Accessible ? "yes" : "no"),
        new("platforms", check => check.Platforms.Count == 0 ? null : string.Join(' ', check.Platforms)),
    ];

    private readonly Argument<string> _image = new("image") { Description = "As in `berth start --image`" };

    public ImageCheckCommand(Surroundings here)
        : base(here, "check", "Say whether you can start an image, and for which platforms it is")
    {
        Add(_image);
    }

    public override IReadOnlyList<Example> Examples => [new("image check ghcr.io/me/lab:1", "Before a start takes its time; exits with 1 if you cannot")];

    protected override async Task<int> RunAsync(Call call, CancellationToken ct)
    {
        var check = await (await call.ConnectAsync(ct)).Client.CheckImageAsync(call.Get(_image)!, ct);
        call.Results.One(check, BerthJson.Default.ImageCheck, Columns, _ => call.Get(_image)!);
        if (check.Message is { } message)
            call.Report.Line(message);
        return check.Accessible ? ExitCodes.Ok : ExitCodes.Error;
    }
}
