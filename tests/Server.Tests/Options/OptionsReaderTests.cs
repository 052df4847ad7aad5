using Berth.Server.Options;
using Berth.Server.Storage;

namespace Berth.Server.Tests.Options;

public sealed class OptionsReaderTests
{
    [Theory]
    [InlineData("listen", "somewhere", "localhost, or an IP address of this machine such as 0.0.0.0")]
    [InlineData("listen", "0.0.0.0", "with TLS only")]
    [InlineData("listen", "0.0.0.0", "set 'public_url'")]
    [InlineData("certificate-key", "key.pem", "needs a certificate")]
    public void OthersAreServedOnlyWithTls(string flag, string value, string reason)
    {
        var refused = Assert.Throws<StartupException>(() => OptionsReader.Read([$"--{flag}", value], new Dictionary<string, string?>()));
        Assert.Contains(reason, refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void AProxyInFrontMayEndTls()
    {
        var options = OptionsReader.Read(["--listen=10.0.0.5", "--public-url=https://berth.example.org"], new Dictionary<string, string?>());
        Assert.Equal("10.0.0.5", options.Listen);
    }

    [Fact]
    public void FlagsComeBeforeVariablesBeforeTheFile()
    {
        var file = Path.GetTempFileName();
        File.WriteAllText(file, """{ "port": 1, "public_url": "https://a.example", "jupyter_image": "a/b" } // a comment""");
        var options = Read(["--port", "3", $"--config={file}"], ("PORT", "2"), ("PUBLIC_URL", "https://b.example"));
        Assert.Equal((3, "b.example", "a/b"), (options.Port, options.PublicUrl!.Host, options.JupyterImage));
        File.Delete(file);
    }

    [Fact]
    public void TheDataFolderIsTheUsersUnlessSaidOtherwise()
    {
        Assert.Equal("/home/me/.local/share/berth", OptionsReader.Read([], new Dictionary<string, string?> { ["HOME"] = "/home/me" }).DataFolder);
        Assert.Equal("/x/berth", OptionsReader.Read([], new Dictionary<string, string?> { ["HOME"] = "/home/me", ["XDG_DATA_HOME"] = "/x" }).DataFolder);
        Assert.Equal("/y", Read(["--data=/y"]).DataFolder);
    }

    [Fact]
    public void EveryMistakeIsSaidAtOnceWithItsKeyAndWhatIsAllowed()
    {
        var lines = Refused(["--port", "99999", "--colour=red", "--public-url", "ftp://x", "--data"], ("ALLOW_ROOT", "perhaps"), ("SESSION_HOST", "localhost"), ("POTR", "1"));
        Assert.Contains("--port: must be a port from 0 (a free one) to 65535; it is '99999'.", lines);
        Assert.Contains(lines, l => l.StartsWith("--colour=red: there is no such option"));
        Assert.Contains("--public-url: must be an address such as https://berth.example.org; it is 'ftp://x'.", lines);
        Assert.Contains("--data: a value has to follow.", lines);
        Assert.Contains("BERTH_SERVER_ALLOW_ROOT: must be true or false; it is 'perhaps'.", lines);
        Assert.Contains(lines, l => l.StartsWith("BERTH_SERVER_SESSION_HOST: must be a host name with {session} in it"));
        Assert.Contains(lines, l => l.StartsWith("BERTH_SERVER_POTR: there is no such option"));
    }

    [Fact]
    public void APasswordIsNeitherTakenFromTheCommandLineNorRepeated()
    {
        var onLine = Assert.Single(Refused(["--database-url=postgres://me:secret@h/d"]));
        Assert.Contains("BERTH_SERVER_DATABASE_URL", onLine);
        Assert.DoesNotContain("secret", onLine);
        var wrong = Assert.Single(Refused([], ("DATABASE_URL", "postgres://me:secret@h")));
        Assert.Contains("names no database", wrong);
        Assert.DoesNotContain("secret", wrong);
    }

    [Fact]
    public void AFolderTooDeepForSocketsIsRefused() =>
        Assert.Contains("for the sockets in it", Assert.Single(Refused([$"--data=/{new string('d', 80)}"])));

    [Fact]
    public void AFileThatIsNotThereIsSaid() => Assert.Contains("/no/such/file: must be a readable file", Assert.Single(Refused(["--config", "/no/such/file"])));

    private static ServerOptions Read(string[] args, params (string Name, string Value)[] variables) =>
        OptionsReader.Read(args, variables.ToDictionary(v => $"BERTH_SERVER_{v.Name}", v => (string?)v.Value));

    private static string[] Refused(string[] args, params (string Name, string Value)[] variables) =>
        Assert.Throws<StartupException>(() => Read(args, variables)).Message.Split('\n');
}
