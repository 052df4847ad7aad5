using Berth.Cli.Tests.House;
using Berth.Fakes;
using Berth.Server.Tests.Sessions;
using Berth.Tunnel.Resumable;

namespace Berth.Cli.Tests.Reach;

public sealed class UploadTests
{
    [Theory]
    [InlineData("my file", "berth session cp 'my file' 'nb:in here'")]
    [InlineData("a:b", "berth session cp ./a:b nb:")]
    public async Task What_failed_is_told_with_the_line_that_does_it_again(string path, string line)
    {
        await using var server = await SessionServer.StartAsync();
        using var berth = new Command(server.DataFolder);
        berth.Write($"work/{path}", "");
        var start = berth.RunAsync("start", "--image", "busybox", "--name", "nb", "--upload", path.Contains(':') ? path : $"{path}:in here");
        await Eventually.TrueAsync(() => server.Compute.Keys.Count == 1, "the compute has it");
        var session = Assert.Single(await server.Client.ListSessionsAsync(TestContext.Current.CancellationToken));
        await using var agent = await server.ReadyAgentAsync(session, PlayedServices.Of(_ => throw new StreamRefusedException("No.")));
        var ran = await start;
        Assert.Contains($"Again:  {line}\n", ran.Error, StringComparison.Ordinal);
    }
}
