using System.Net;
using System.Net.Sockets;
using Berth.Cli.Tests.House;
using Berth.Contracts.Users;
using Berth.Server.Tests.Sessions;

namespace Berth.Cli.Tests.Servers;

public sealed class ContextTests : IAsyncLifetime
{
    private readonly Command _berth = new();
    private SessionServer _server = null!;
    private string _address = null!;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private string File => Path.Combine(_berth.ConfigFolder, "contexts.json");

    public async ValueTask InitializeAsync()
    {
        _server = await SessionServer.StartAsync();
        _address = _server.Address;
    }

    public ValueTask DisposeAsync()
    {
        _berth.Dispose();
        return _server.DisposeAsync();
    }

    [Fact]
    public async Task Signs_in_with_a_token_keeps_it_for_its_owner_alone_and_forgets_it()
    {
        var token = (await _server.Client.CreateTokenAsync(new TokenRequest("laptop"), Ct)).Secret;
        _berth.Write("work/token.txt", token + "\n");

        var login = await _berth.RunAsync("login", _address, "--name", "lab", "--token-file", "token.txt");
        Assert.True(login.Code == 0, login.Error);
        Assert.DoesNotContain(token, login.Error, StringComparison.Ordinal);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, System.IO.File.GetUnixFileMode(File));

        var user = await _server.Client.WhoAmIAsync(Ct);
        Assert.Equal(user.Username, (await _berth.RunAsync("whoami", "-o", "name")).Line);
        Assert.Contains("Server    lab", (await _berth.RunAsync("whoami")).Out, StringComparison.Ordinal);
        var list = await _berth.RunAsync("context", "list", "-o", "json");
        Assert.Contains("\"lab\"", list.Out, StringComparison.Ordinal);
        Assert.DoesNotContain(token, list.Out, StringComparison.Ordinal);

        Assert.Equal(0, (await _berth.RunAsync("context", "use", "local")).Code);
        Assert.Equal(user.Username, (await _berth.RunAsync("whoami", "-o", "name", "--context", "la")).Line);
        Assert.Equal(0, (await _berth.RunAsync("logout", "lab")).Code);
        Assert.DoesNotContain(token, await System.IO.File.ReadAllTextAsync(File, Ct), StringComparison.Ordinal);
        Assert.Equal(ExitCodes.NotFound, (await _berth.RunAsync("whoami", "--context", "lab")).Code);
    }

    [Fact]
    public async Task A_token_file_that_is_not_there_is_named_with_what_to_do()
    {
        var ran = await _berth.RunAsync("login", _address, "--token-file", "nowhere.txt");
        Assert.Equal((ExitCodes.Usage, "--token-file nowhere.txt cannot be read: it does not exist. Put the token into it, or give - and the token on stdin.\n"), (ran.Code, ran.Error));
    }

    [Fact]
    public async Task A_server_without_encryption_is_not_taken_for_one_with_a_certificate_that_is_not_trusted()
    {
        var ran = await _berth.RunAsync(here => here with { In = new StringReader("any\n") }, Ct, "login", _address.Replace("http:", "https:", StringComparison.Ordinal));
        Assert.Equal(ExitCodes.Error, ran.Code);
        Assert.Contains("It does not answer with encryption: no token was sent.", ran.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("certificate", ran.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_token_that_the_server_does_not_take_is_not_kept()
    {
        var ran = await _berth.RunAsync(here => here with { In = new StringReader("wrong\n") }, Ct, "login", _address);
        Assert.Equal(ExitCodes.SignIn, ran.Code);
        Assert.Contains("does not take this token", ran.Error, StringComparison.Ordinal);
        Assert.False(System.IO.File.Exists(File));
    }

    [Fact]
    public async Task A_revoked_token_means_signing_in_again()
    {
        var created = await _server.Client.CreateTokenAsync(new TokenRequest("laptop"), Ct);
        await _berth.RunAsync(here => here with { In = new StringReader(created.Secret) }, Ct, "login", _address);
        await _server.Client.DeleteTokenAsync(created.Token.Id, Ct);
        var ran = await _berth.RunAsync("list");
        Assert.Equal(ExitCodes.SignIn, ran.Code);
        Assert.Contains("berth login", ran.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_folder_of_this_machine_is_not_for_a_server_elsewhere()
    {
        var token = (await _server.Client.CreateTokenAsync(new TokenRequest("laptop"), Ct)).Secret;
        await _berth.RunAsync(here => here with { In = new StringReader(token) }, Ct, "context", "add", "lab", _address);
        foreach (var flags in new string[][] { ["--here"], ["--repo", "."] })
        {
            var ran = await _berth.RunAsync(["start", "--image", "a", "--context", "lab", .. flags]);
            Assert.Equal(ExitCodes.Usage, ran.Code);
            Assert.Contains("the server 'lab' is on another", ran.Error, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("ftp://x", "is no address of a server")]
    [InlineData("http://berth.example.org", "is not encrypted")]
    [InlineData("https://me:secret@x", "must hold no name and password")]
    public async Task An_address_that_will_not_do_is_refused(string url, string words)
    {
        var ran = await _berth.RunAsync("login", url);
        Assert.Equal(ExitCodes.Usage, ran.Code);
        Assert.Contains(words, ran.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_is_no_server_is_said_to_be_none()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var port = ((IPEndPoint)listener.LocalEndpoint).Port;
        listener.Stop();
        var ran = await _berth.RunAsync(here => here with { In = new StringReader("t") }, Ct, "login", $"http://localhost:{port}");
        Assert.Equal(ExitCodes.Error, ran.Code);
        Assert.Contains("cannot be reached, or is no Berth server", ran.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_damaged_file_says_how_to_mend_it()
    {
        _berth.Write(".config/berth/contexts.json", "{");
        var ran = await _berth.RunAsync("list");
        Assert.Equal(ExitCodes.Error, ran.Code);
        Assert.Contains("Delete it and sign in again", ran.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_local_one_cannot_be_removed_nor_taken()
    {
        Assert.Equal(ExitCodes.Usage, (await _berth.RunAsync("context", "remove", "local")).Code);
        Assert.Equal(ExitCodes.Usage, (await _berth.RunAsync("logout")).Code);
        Assert.Equal(ExitCodes.Usage, (await _berth.RunAsync("context", "add", "local", _address)).Code);
    }
}
