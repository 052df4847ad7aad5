using Berth.Cli.Output;
using Berth.Contracts.Client;

namespace Berth.Cli.Servers;

/// <summary>From the name of a context to its server. The local server is started where it does not run.</summary>
internal sealed class Connector(Surroundings here, Report report)
{
    public async Task<Server> ConnectAsync(string? context, CancellationToken ct)
    {
        var (name, stored) = new ContextStore(here).Find(context);
        if (stored is not null)
            return new Server(name, ApiClient.ForServer(new Uri(stored.Url), stored.Token, here.Time, stored.Authorities), IsLocal: false);
        var local = new LocalServer(here);
        if (!await local.ListensAsync(ct))
            await local.StartInBackgroundAsync(report, ct);
        return new Server(name, ApiClient.ForLocalSocket(local.Socket, here.Time), IsLocal: true);
    }
}
