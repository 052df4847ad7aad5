using Berth.Cli.Servers;

namespace Berth.Cli.Commands.Servers;

internal sealed class ServerStopCommand(Surroundings here) : Verb(here, "stop", "Stop the server of this machine and user; its sessions go on")
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    public override IReadOnlyList<Example> Examples => [new("server stop", "The next command starts it again")];

    protected override async Task<int> RunAsync(Call call, CancellationToken ct)
    {
        var local = new LocalServer(call.Here);
        if (local.PidFile.Running() is not { } pid || RunningProcess.Open(pid) is not { } server)
        {
            if (await local.ListensAsync(ct))
                throw new CliException(ExitCodes.Conflict, $"A server listens on {local.Socket}, but this command did not start it. Stop it where it was started.");
            call.Report.Line("No server runs here.");
            return ExitCodes.Ok;
        }
        using (server)
        {
            server.Terminate();
            if (!await server.HasEndedAsync(Patience, ct))
                throw new CliException(ExitCodes.TimedOut, $"The server (process {pid}) has not ended after {Patience.TotalSeconds:0} s. Its log is {local.Log}.");
        }
        local.PidFile.Delete();
        call.Report.Line("The server is stopped; its sessions go on. The next command starts it again.");
        return ExitCodes.Ok;
    }
}
