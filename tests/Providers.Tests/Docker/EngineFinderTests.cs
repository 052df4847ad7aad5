using System.Net.Sockets;
using Berth.Core.Providers;
using Berth.Core.Sessions;
using Berth.Providers.Docker;

namespace Berth.Providers.Tests.Docker;

public sealed class EngineFinderTests
{
    [Fact]
    public void AConfiguredAddressComesBeforeTheVariableAndTheUsualPlaces()
    {
        Assert.Equal(["unix:///a"], Finder("unix:///a", ("DOCKER_HOST", "unix:///b")).Places());
        Assert.Equal(["unix:///b"], Finder(null, ("DOCKER_HOST", "unix:///b")).Places());
        Assert.Equal(["unix:///b"], Finder("", ("DOCKER_HOST", "unix:///b")).Places());
        Assert.Equal(
            ["unix:///var/run/docker.sock", "unix:///run/user/7/docker.sock", "unix:///home/j/.docker/run/docker.sock",
                "unix:///run/podman/podman.sock", "unix:///run/user/7/podman/podman.sock"],
            Finder(null, ("XDG_RUNTIME_DIR", "/run/user/7"), ("HOME", "/home/j")).Places());
        Assert.Equal(["unix:///var/run/docker.sock", "unix:///run/podman/podman.sock"], Finder(null).Places());
    }

    [Theory]
    [InlineData("unix:///no/such/engine.sock", "there is no such socket")]
    [InlineData("tcp://127.0.0.1:1", "nothing listens there")]
    [InlineData("ssh://host", "unix:///path/to/socket or tcp://host:port")]
    [InlineData("unix://relative", "unix:///path/to/socket or tcp://host:port")]
    [InlineData("nonsense", "unix:///path/to/socket or tcp://host:port")]
    public async Task AChosenAddressThatIsSilentIsNamedWithItsFault(string address, string fault)
    {
        foreach (var finder in new[] { Finder(address), Finder(null, ("DOCKER_HOST", address)) })
        {
            var refusal = await Assert.ThrowsAsync<ProviderException>(() => finder.FindAsync(TestContext.Current.CancellationToken));
            Assert.Equal(Reason.EngineUnreachable, refusal.Reason);
            Assert.Contains(address, refusal.Message);
            Assert.Contains(fault, refusal.Message);
            Assert.Contains("Start that engine", refusal.Message);
        }
    }

    [Fact]
    public async Task ASocketThatNobodyServesIsSaidToBeOne()
    {
        var folder = Directory.CreateTempSubdirectory("berth-test-");
        var path = Path.Combine(folder.FullName, "e.sock");
        using (var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified))
            socket.Bind(new UnixDomainSocketEndPoint(path));
        var refusal = await Assert.ThrowsAsync<ProviderException>(() => Finder($"unix://{path}").FindAsync(TestContext.Current.CancellationToken));
        folder.Delete(recursive: true);
        Assert.Matches("nothing listens there|there is no such socket", refusal.Message);
    }

    private static EngineFinder Finder(string? configured, params (string Name, string Value)[] environment) =>
        new(configured, name => environment.FirstOrDefault(v => v.Name == name).Value, TimeProvider.System);
}
