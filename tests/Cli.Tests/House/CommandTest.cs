using Berth.Server.Tests.Sessions;

namespace Berth.Cli.Tests.House;

/// <summary>A whole server, of which only the compute is played, and the command on its machine.</summary>
public abstract class CommandTest : IAsyncLifetime
{
    protected static CancellationToken Ct => TestContext.Current.CancellationToken;

    protected SessionServer Server { get; private set; } = null!;

    private protected Command Berth { get; private set; } = null!;

    public virtual async ValueTask InitializeAsync()
    {
        Server = await SessionServer.StartAsync();
        Berth = new Command(Server.DataFolder);
    }

    public virtual ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        Berth.Dispose();
        return Server.DisposeAsync();
    }
}
