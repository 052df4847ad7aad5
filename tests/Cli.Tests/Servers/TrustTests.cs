using Berth.Cli.Tests.House;
using Berth.Contracts.Sessions;
using Berth.Contracts.Users;
using Berth.Fakes;
using Berth.Server.Tests.Agents;
using Berth.Server.Tests.Sessions;

namespace Berth.Cli.Tests.Servers;

/// <summary>A server of a site that has an authority and a proxy of its own, and the command as a process: trust and proxies are of the process.</summary>
public sealed class TrustTests : IAsyncLifetime
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("berth-t-");
    private readonly TestAuthority _authority;
    private SessionServer _server = null!;
    private SimulatedAgent _agent = null!;
    private RealCommand _berth = null!;
    private string _token = null!;

    public TrustTests() => _authority = new TestAuthority(_folder.FullName);

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _authority.Issue();
        _server = await SessionServer.StartAsync(authority: _authority);
        (_, _agent) = await _server.RunningAsync(new StartRequest(Image: "busybox", Name: "nb"), PlayedServices.Saying("within\n", code: 3));
        // Not this server's own folder: it is one of another machine.
        _berth = new RealCommand(_folder.FullName);
        _token = _berth.Write("token", (await _server.Client.CreateTokenAsync(new TokenRequest("laptop"), Ct)).Secret);
    }

    public async ValueTask DisposeAsync()
    {
        _berth.Dispose();
        await _agent.DisposeAsync();
        await _server.DisposeAsync();
        _authority.Dispose();
        _folder.Delete(recursive: true);
    }

    [Fact]
    public async Task A_server_is_trusted_by_the_authority_that_its_user_names()
    {
        var stranger = await LoginAsync();
        Assert.Equal((ExitCodes.Error, ""), (stranger.Code, stranger.Out));
        Assert.Contains("--ca FILE", stranger.Error, StringComparison.Ordinal);

        var login = await LoginAsync("--ca", _authority.Authorities);
        Assert.True(login.Code == 0, login.Error);
        // It is the context's: nothing is said of it again.
        await ReachesTheSessionAsync();
    }

    [Fact]
    public async Task A_server_that_another_authority_signed_is_told_no_token()
    {
        Assert.Equal(0, (await LoginAsync("--ca", _authority.Authorities)).Code);
        using var other = new TestAuthority(_folder.CreateSubdirectory("other").FullName);
        Assert.Equal(ExitCodes.Error, (await LoginAsync("--ca", other.Authorities)).Code);

        // The same server, shown with a certificate of another authority since.
        other.Issue();
        File.Copy(other.Key, _authority.Key, overwrite: true);
        File.Copy(other.Certificate, _authority.Certificate, overwrite: true);
        File.SetLastWriteTimeUtc(_authority.Certificate, TimeProvider.System.GetUtcNow().UtcDateTime.AddSeconds(1));
        var ran = await _berth.RunAsync("list");
        Assert.Equal(ExitCodes.Error, ran.Code);
        Assert.Contains("no token was sent", ran.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_authority_of_the_system_is_trusted_too()
    {
        _berth.Set("SSL_CERT_FILE", _authority.Authorities);
        Assert.Equal(0, (await LoginAsync()).Code);
        await ReachesTheSessionAsync();
    }

    [Theory]
    [InlineData("no certificate")]
    [InlineData("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")]
    public async Task A_file_without_certificates_is_none_of_an_authority(string text)
    {
        var ran = await LoginAsync("--ca", _berth.Write("ca.pem", text));
        Assert.Equal(ExitCodes.Usage, ran.Code);
        Assert.Contains("ca.pem", ran.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_proxy_that_asks_who_comes_is_told_and_carries_streams_too()
    {
        await using var proxy = new ConnectProxy(TimeSpan.FromMinutes(1), TimeProvider.System, "jane:it's me");
        _berth.Set("HTTPS_PROXY", proxy.Address);
        var unknown = await LoginAsync("--ca", _authority.Authorities);
        Assert.Equal(ExitCodes.Error, unknown.Code);
        Assert.Contains("write HTTPS_PROXY as http://NAME:PASSWORD@HOST:PORT", unknown.Error, StringComparison.Ordinal);
        Assert.Equal(0, proxy.Connects);

        _berth.Set("HTTPS_PROXY", proxy.Address.Replace("://", "://jane:it's%20me@", StringComparison.Ordinal));
        var login = await LoginAsync("--ca", _authority.Authorities);
        Assert.True(login.Code == 0, login.Error);
        var before = proxy.Connects;
        await ReachesTheSessionAsync();
        Assert.True(proxy.Connects > before);
    }

    private async Task ReachesTheSessionAsync()
    {
        var ran = await _berth.RunAsync("exec", "nb", "--", "true");
        Assert.True(ran is { Code: 3, Out: "within\n" }, ran.Error);
    }

    private Task<Ran> LoginAsync(params string[] flags) => _berth.RunAsync(["login", _server.Address, "--token-file", _token, .. flags]);
}
