using System.Net;
using System.Net.Sockets;
using Berth.Cli.Output;
using Berth.Cli.Reach;
using Berth.Cli.Tests.House;
using Berth.Contracts.Client;
using Berth.Contracts.Services;
using Berth.Fakes;

namespace Berth.Cli.Tests.Reach;

public sealed class ForwarderTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_port_that_takes_no_connection_for_the_moment_is_not_asked_without_a_pause()
    {
        var clock = new PauseClock();
        using var http = new HttpClient();
        using var client = new ApiClient(http);
        var words = new StringWriter();
        var report = new Report(Command.Nowhere with { Error = words }, quiet: false, colours: false);
        var forwarder = new Forwarder(new SessionStreams(client, "nb", new LineReport(report.Line, clock), clock), report, clock);
        using var listener = LocalPort.Listen(IPAddress.Loopback, 20000, isExact: false);
        // From now on each accept fails, as where a process has no descriptor left.
        listener.Shutdown(SocketShutdown.Both);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Ct);
        var serving = Task.Run(() => forwarder.ServeAsync(listener, new TcpRequest(1), stop.Token), Ct);
        try
        {
            for (var attempt = 0; attempt < 3; attempt++)
            {
                await clock.Pauses.ReadAsync(Ct).AsTask().WaitAsync(TimeSpan.FromSeconds(10), Ct);
                clock.Advance(TimeSpan.FromMilliseconds(100));
            }
            Assert.Single(words.ToString().TrimEnd().Split('\n'));
        }
        finally
        {
            await stop.CancelAsync();
        }
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => serving);
    }
}
