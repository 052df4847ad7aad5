using System.Net.Http.Headers;
using System.Net.Security;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Berth.Contracts.Agents;
using Berth.Core.Sessions;
using Berth.Fakes;
using Berth.Server.Agents;
using Berth.Server.Options;
using Berth.Server.Sessions;
using Berth.Server.Sessions.Reconcile;
using Berth.Tunnel;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Berth.Server.Tests.Agents;

/// <summary>Agents on other machines, over real TLS.</summary>
public sealed class AgentsByNetworkTests : IAsyncLifetime
{
    private const string Here = "01JZZZZZZZZZZZZZZZZZZZZZZA";
    private const string There = "01JZZZZZZZZZZZZZZZZZZZZZZB";

    // Of an agent; then it waits as long again for the answer.
    private static readonly TimeSpan s_pings = TimeSpan.FromSeconds(10);

    private readonly string _folder = Directory.CreateTempSubdirectory("berth-n-").FullName;
    private readonly TestAuthority _authority;
    private WebApplication _app = null!;

    public AgentsByNetworkTests() => _authority = new TestAuthority(_folder);

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private AgentTokens Tokens => _app.Services.GetRequiredService<AgentTokens>();

    private AgentHub Hub => _app.Services.GetRequiredService<AgentHub>();

    private string Address => _app.Urls.First(url => url.StartsWith("https:", StringComparison.Ordinal));

    public async ValueTask InitializeAsync()
    {
        _authority.Issue();
        var options = new ServerOptions
        {
            DataFolder = Path.Combine(_folder, "d"),
            AgentFolder = "/none",
            Port = 0,
            Certificate = _authority.Certificate,
            CertificateKey = _authority.Key,
            PingEvery = s_pings / 2,
        };
        _app = BerthServer.Build(options, builder =>
        {
            builder.Services.RemoveAll<ProviderInstance>();
            builder.Services.AddSingleton(new ProviderInstance(ProviderNames.Docker, new FakeCompute()));
            builder.Services.AddSingleton(new ProviderInstance("elsewhere", new FakeCompute(), AgentsByNetwork: true));
        });
        await BerthServer.StartAsync(_app, Ct);
        Expect(Here, ProviderNames.Docker);
        Expect(There, "elsewhere");
    }

    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync();
        _authority.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task AnAgentElsewhereIsReachedThroughTheConnectionsItMakes()
    {
        using var app = new TcpListener(System.Net.IPAddress.Loopback, 0);
        app.Start();
        await using var agent = await SimulatedAgent.ConnectAsync(Dialer(There), new SessionKey(There, 1), Ct);
        Assert.Equal(0, agent.Welcome.Streams);
        var dialled = await Hub.DialAsync(There, ((System.Net.IPEndPoint)app.LocalEndpoint).Port, Ct);
        await using (dialled)
        {
            using var inside = await app.AcceptTcpClientAsync(Ct);
            await inside.GetStream().WriteAsync("hello"u8.ToArray(), Ct);
            var heard = new byte[5];
            await dialled.ReadExactlyAsync(heard, Ct);
            Assert.Equal("hello"u8.ToArray(), heard);
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task AStreamThatNobodyReadsForLongerThanPingsAreAnsweredLosesNothing(bool up)
    {
        const int Size = 64 << 20;
        using var app = new TcpListener(System.Net.IPAddress.Loopback, 0);
        app.Start();
        await using var agent = await SimulatedAgent.ConnectAsync(Dialer(There), new SessionKey(There, 1), Ct);
        var dialled = await Hub.DialAsync(There, ((System.Net.IPEndPoint)app.LocalEndpoint).Port, Ct);
        await using (dialled)
        {
            using var inside = await app.AcceptTcpClientAsync(Ct);
            var (from, to) = up ? (dialled, (Stream)inside.GetStream()) : (inside.GetStream(), dialled);
            var quiet = from.ReadAsync(new byte[1], Ct).AsTask();
            var writing = WriteAsync(from);
            // Longer than either side would wait for an answer to a ping, which stands behind all those bytes.
            await Task.Delay(s_pings + s_pings + TimeSpan.FromSeconds(1), Ct);
            Assert.False(writing.IsCompleted, $"{writing.Status}");
            Assert.False(quiet.IsCompleted);

            var block = new byte[1 << 20];
            for (var left = Size; left > 0; left -= block.Length)
                await to.ReadExactlyAsync(block, Ct);
            await writing.WaitAsync(TimeSpan.FromSeconds(30), Ct);
        }

        static async Task WriteAsync(Stream stream)
        {
            var block = new byte[1 << 20];
            for (var sent = 0; sent < Size; sent += block.Length)
                await stream.WriteAsync(block, Ct);
        }
    }

    [Fact]
    public async Task WhoeverHasNoReasonToTrustTheServerDoesNotConnect()
    {
        using var stranger = new ServerDialer(Address, Tokens.Issue(new SessionKey(There, 1)));
        var refused = await Assert.ThrowsAsync<WebSocketException>(() => stranger.ConnectAsync(AgentRoutes.Control, "x", Ct));
        Assert.IsType<AuthenticationException>(refused.GetBaseException());
    }

    [Fact]
    public async Task ASessionOfThisMachineIsSpokenForThroughItsSocketOnly()
    {
        await RefusedAsync(Dialer(Here), "401");
        _app.Services.GetRequiredService<SessionDirectory>().Remove(There);
        await RefusedAsync(Dialer(There), "401");
    }

    [Theory]
    [InlineData("nonsense")]
    [InlineData("01JZZZZZZZZZZZZZZZZZZZZZZB.1.AAAA")]
    public async Task AWrongTokenIsRefused(string token) => await RefusedAsync(new ServerDialer(Address, token, _authority.Authorities), "401");

    [Fact]
    public async Task AnAgentOfAnEarlierStartIsRefused()
    {
        Expect(There, "elsewhere", generation: 2);
        await RefusedAsync(Dialer(There), "409");
    }

    [Fact]
    public async Task ManyWrongTokensOfAgentsLockNobodyOut()
    {
        for (var i = 0; i < 100; i++)
            await RefusedAsync(new ServerDialer(Address, "nonsense", _authority.Authorities), "401");
        await using var agent = await SimulatedAgent.ConnectAsync(Dialer(There), new SessionKey(There, 1), Ct);
    }

    [Fact]
    public async Task AnAgentsTokenIsNoUsersToken()
    {
        var trust = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        trust.CustomTrustStore.ImportFromPemFile(_authority.Authorities);
        using var http = new HttpClient(new SocketsHttpHandler { SslOptions = new SslClientAuthenticationOptions { CertificateChainPolicy = trust } });
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", Tokens.Issue(new SessionKey(There, 1)));
        using var answer = await http.GetAsync(new Uri($"{Address}/api/berth/sessions"), Ct);
        Assert.Equal(System.Net.HttpStatusCode.Unauthorized, answer.StatusCode);
    }

    [Fact]
    public async Task ARenewedCertificateIsUsedAtOnce()
    {
        var before = await ShownAsync();
        var renewed = _authority.Issue();
        File.SetLastWriteTimeUtc(_authority.Certificate, TimeProvider.System.GetUtcNow().UtcDateTime.AddSeconds(1));
        Assert.NotEqual(before, renewed);
        Assert.Equal(renewed, await ShownAsync());

        // What is not whole is not used.
        await File.WriteAllTextAsync(_authority.Certificate, "-----BEGIN CERT", Ct);
        Assert.Equal(renewed, await ShownAsync());
    }

    private void Expect(string session, string provider, int generation = 1) => _app.Services.GetRequiredService<SessionDirectory>()
        .Set(new SessionRoute(session, "test", "user", generation, SessionStatus.Running, 8888, "/", Reach.Agent, null, provider));

    private ServerDialer Dialer(string session) => new(Address, Tokens.Issue(new SessionKey(session, 1)), _authority.Authorities);

    private async Task<string> ShownAsync()
    {
        using var tcp = new TcpClient();
        await tcp.ConnectAsync("127.0.0.1", new Uri(Address).Port, Ct);
        string? shown = null;
        await using var tls = new SslStream(tcp.GetStream(), false, (_, certificate, _, _) => (shown = certificate?.GetCertHashString()) is not null);
        await tls.AuthenticateAsClientAsync("localhost");
        return shown!;
    }

    private static async Task RefusedAsync(ServerDialer dialer, string status)
    {
        using (dialer)
        {
            var refused = await Assert.ThrowsAsync<WebSocketException>(() => dialer.ConnectAsync(AgentRoutes.Control, "x", Ct));
            Assert.Contains($"'{status}'", refused.Message, StringComparison.Ordinal);
        }
    }
}
