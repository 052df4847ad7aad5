using Berth.Cli.Servers;
using Berth.Contracts.Client;

namespace Berth.Cli.Commands.Servers;

internal sealed class ServerStatusCommand(Surroundings here) : Verb(here, "status", "Say whether the server of this machine and user runs, and how it is")
{
    public override IReadOnlyList<Example> Examples => [new("server status", "Exit code 4 where none runs")];

    protected override async Task<int> RunAsync(Call call, CancellationToken ct)
    {
        var local = new LocalServer(call.Here);
        if (!await local.ListensAsync(ct))
        {
            call.Here.Out.WriteLine("No server runs here. The next command that needs it starts it, or run it with `berth server`.");
            return ExitCodes.NotFound;
        }
        using var client = ApiClient.ForLocalSocket(local.Socket, call.Here.Time);
        var version = await client.VersionAsync(ct);
        var health = await client.HealthAsync(ct);
        var process = local.PidFile.Running() is { } pid ? $" (process {pid})" : "";
        call.Here.Out.WriteLine($"Berth {version.Version} runs{process} and is {health.Status}.");
        foreach (var check in health.Checks)
            call.Here.Out.WriteLine($"  {check.Name}: {(check.Ok ? "ok" : "not ok")}{(check.Message is null ? "" : $" – {check.Message}")}");
        call.Here.Out.WriteLine($"Data: {local.DataFolder}");
        if (File.Exists(local.Log))
            call.Here.Out.WriteLine($"Log:  {local.Log}");
        return ExitCodes.Ok;
    }
}
