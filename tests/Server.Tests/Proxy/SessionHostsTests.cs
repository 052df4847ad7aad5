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
    [InlineData("{session}.localhost", "8080--01jq8z4n6t3v5w7x9y1a2b3c4d.localhost", false)]
    [InlineData("{session}.localhost", "01jq8z4n6t3v5w7x9y1a2b3c4.localhost", false)]
    [InlineData("{session}.localhost", "a.01jq8z4n6t3v5w7x9y1a2b3c4d.localhost", false)]
    [InlineData("{session}.localhost", "u1jq8z4n6t3v5w7x9y1a2b3c4d.localhost", false)]
    [InlineData("{session}.localhost", "localhost", false)]
    [InlineData("{session}.localhost", ".localhost", false)]
    [InlineData("{session}.localhost", "127.0.0.1", false)]
    [InlineData("{session}.localhost", "", false)]
    public void ReadsTheSessionOutOfTheHost(string pattern, string host, bool good)
    {
        Assert.Equal(good, Hosts(pattern).TryParse(host, out var id));
        Assert.Equal(good ? Id : null, id);
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
    public void WritesWhatItReads() => Assert.True(Hosts("s-{session}.x.org").TryParse(Hosts("s-{session}.x.org").HostOf(Id), out _));

    [Theory]
    [InlineData("localhost")]
    [InlineData("sessions.{session}")]
    [InlineData("{session}.{session}.org")]
    [InlineData("{session}")]
    public void RefusesAPatternThatNamesNoSession(string pattern) => Assert.Throws<ArgumentException>(() => Hosts(pattern));

    private static SessionHosts Hosts(string pattern, Uri? publicUrl = null) =>
        new(new ServerOptions { DataFolder = "/", AgentFolder = "/", SessionHost = pattern, PublicUrl = publicUrl });
}
