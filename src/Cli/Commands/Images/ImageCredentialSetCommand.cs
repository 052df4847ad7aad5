using System.CommandLine;
using Berth.Cli.Settings;
using Berth.Contracts.Images;

namespace Berth.Cli.Commands.Images;

internal sealed class ImageCredentialSetCommand : Verb
{
    private readonly Argument<string> _host = new("host") { Description = "The registry, as images' names begin: ghcr.io, docker.io" };
    private readonly Flag<string?> _username = Flags.Text("--username", "Who, at the registry (asked for on a terminal)", "NAME", "-u");
    private readonly Flag<bool> _shared = ImageCredentialFlags.Shared();

    public ImageCredentialSetCommand(Surroundings here)
        : base(here, "set", "Keep credentials for a registry, once it has taken them; the password is asked for, or read from stdin")
    {
        Add(_host);
        Add(_username);
        Add(_shared);
    }

    public override IReadOnlyList<Example> Examples =>
    [
        new("image-credentials set ghcr.io --username jane", "Asks for the password, or reads it from stdin"),
        new("image-credentials set registry.example.org:5000 --shared", "For global environments, as an admin"),
    ];

    protected override async Task<int> RunAsync(Call call, CancellationToken ct)
    {
        var server = await call.ConnectAsync(ct);
        var asks = call.Here.InIsTerminal && call.Here.ErrorIsTerminal;
        var username = call.Get(_username)
            ?? (asks ? call.Questions.Ask("Username", "") : throw CliException.Usage("Say who with `--username`; the password is read from stdin."));
        var password = asks ? call.Questions.AskSecret("Password or token") : (await call.Here.In.ReadToEndAsync(ct)).TrimEnd('\r', '\n');
        var kept = await server.Client.SetImageCredentialAsync(call.Get(_host)!, call.Get(_shared), new ImageCredentialRequest(username, password), ct);
        call.Report.Line(kept.Warning is { } warning ? $"They are kept. {warning}" : $"{kept.Host} takes them, and they are kept.");
        return ExitCodes.Ok;
    }
}
