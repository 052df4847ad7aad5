using Berth.Server.Options;
using Berth.Server.Proxy;

namespace Berth.Server.Tests.Proxy;

public sealed class SessionHostsTests
{
    private const string Id = "01JQ8Z4N6T3V5W7X9Y1A2B3C4D";

    [Theory]
    [InlineData("{session}.localhost", "01jq8z4n6t3v5w7x9y1a2b3c4d.localhost", true)]
    [InlineData("{session}.localhost", "01JQ8Z4N6T3V5W7X9Y1A2B3C4D.LocalHost", true)]
    [InlineData("s-{session}.example.org", "s-01jq8z4n6t3v5w7x9y1a2b3c4d.example.org", true)]
    [InlineData("{session}.localhost", "01jq8z4n6t3v5w7x9y1a2b3c4.localhost", false)]
    [InlineData("{session}.localhost", "a.01jq8z4n6t3v5w7x9y1a2b3c4d.localhost", false)]
    [InlineData("{session}.localhost", "u1jq8z4n6t3v5w7x9y1a2b3c4d.localhost", false)]
    [InlineData("{session}.localhost", "localhost", false)]
    [InlineData("{session}.localhost", ".localhost", false)]
    [InlineData("{session}.localhost", "127.0.0.1", false)]
    [InlineData("{session}.localhost", "", false)]
    public void ReadsTheSessionOutOfTheHost(string pattern, string host, bool good)
    {
        Assert.Equal(good, Hosts(pattern).TryParse(host, out var origin));
        Assert.Equal(good ? new SessionOrigin(Id) : default, origin);
    }

    [Theory]
    [InlineData("{session}.localhost", "8080--01jq8z4n6t3v5w7x9y1a2b3c4d.localhost", 8080)]
    [InlineData("s-{session}.example.org", "s-65535--01JQ8Z4N6T3V5W7X9Y1A2B3C4D.example.org", 65535)]
    [InlineData("{session}.localhost", "0--01jq8z4n6t3v5w7x9y1a2b3c4d.localhost", null)]
    [InlineData("{session}.localhost", "080--01jq8z4n6t3v5w7x9y1a2b3c4d.localhost", null)]
    [InlineData("{session}.localhost", "65536--01jq8z4n6t3v5w7x9y1a2b3c4d.localhost", null)]
    [InlineData("{session}.localhost", "--01jq8z4n6t3v5w7x9y1a2b3c4d.localhost", null)]
    [InlineData("{session}.localhost", "80-01jq8z4n6t3v5w7x9y1a2b3c4d.localhost", null)]
    [InlineData("{session}.localhost", "+80--01jq8z4n6t3v5w7x9y1a2b3c4d.localhost", null)]
    [InlineData("{session}.localhost", "80--81--01jq8z4n6t3v5w7x9y1a2b3c4d.localhost", null)]
    [InlineData("{session}.localhost", "80--01jq8z4n6t3v5w7x9y1a2b3c4.localhost", null)]
    public void ReadsAFurtherPortBeforeTheSession(string pattern, string host, int? port)
    {
        Assert.Equal(port is not null, Hosts(pattern).TryParse(host, out var origin));
        Assert.Equal(port is null ? default : new SessionOrigin(Id, port), origin);
    }

    [Theory]
    [InlineData("01jq8z4n6t3v5w7x9y1a2b3c4d.localhost", true)]
    [InlineData("anything.localhost", true)]
    [InlineData("localhost", false)]
    [InlineData("berth.example.org", false)]
    public void OwnsEverythingUnderTheDomainOfSessions(string host, bool owns) => Assert.Equal(owns, Hosts("{session}.localhost").Owns(host));

    [Fact]
    public void LeavesTheServersOwnHostAloneWhereItIsInTheSameDomain()
    {
        var hosts = Hosts("{session}.example.org", new Uri("https://berth.example.org"));
        Assert.False(hosts.Owns("berth.example.org"));
        Assert.True(hosts.Owns("other.example.org"));
    }

    [Fact]
    public void WritesWhatItReads()
    {
        var hosts = Hosts("s-{session}.x.org");
        foreach (var origin in (SessionOrigin[])[new(Id), new(Id, 1), new(Id, 65535)])
        {
            Assert.True(hosts.TryParse(hosts.HostOf(origin), out var read));
            Assert.Equal(origin, read);
            Assert.Equal(origin, SessionOrigin.Read(origin.Key));
        }
    }

    [Theory]
    [InlineData("localhost")]
    [InlineData("sessions.{session}")]
    [InlineData("{session}.{session}.org")]
    [InlineData("{session}")]
    public void RefusesAPatternThatNamesNoSession(string pattern) => Assert.Throws<ArgumentException>(() => Hosts(pattern));

    private static SessionHosts Hosts(string pattern, Uri? publicUrl = null) =>
        new(new ServerOptions { DataFolder = "/", AgentFolder = "/", SessionHost = pattern, PublicUrl = publicUrl });
}
