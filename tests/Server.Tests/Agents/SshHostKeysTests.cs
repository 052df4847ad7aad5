using System.Security.Cryptography;
using Berth.Contracts.Services;
using Berth.Server.Agents;
using Berth.Server.Options;

namespace Berth.Server.Tests.Agents;

public sealed class SshHostKeysTests : IDisposable
{
    private readonly DirectoryInfo _one = Directory.CreateTempSubdirectory("berth-k-");
    private readonly DirectoryInfo _other = Directory.CreateTempSubdirectory("berth-k-");

    public void Dispose()
    {
        _one.Delete(recursive: true);
        _other.Delete(recursive: true);
    }

    [Fact]
    public void ASessionHasOneKeyOnAllServersOfAnInstallationAndNoOtherHasIt()
    {
        const string session = "01M7YYHG7BBEETC26BP6C6T44G";
        var key = Of(_one).Public(session);
        Assert.True(OpenSshKey.TryRead(key, out _));
        Assert.Equal(key, Of(_one).Public(session.ToLowerInvariant()));
        Assert.NotEqual(key, Of(_one).Public("01M7YYHG7BBEETC26BP6C6T44H"));
        Assert.NotEqual(key, Of(_other).Public(session));

        // Both halves are of one pair.
        using var pair = ECDsa.Create();
        pair.ImportFromPem(Of(_one).Private(session));
        Assert.Equal(key, OpenSshKey.Public(pair));
    }

    private static SshHostKeys Of(DirectoryInfo folder) => new(new AgentTokens(new ServerOptions { DataFolder = folder.FullName, AgentFolder = "" }));
}
