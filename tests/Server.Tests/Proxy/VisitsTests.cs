using System.Net;
using Berth.Server.Options;
using Berth.Server.Proxy;
using Berth.Server.Sessions;
using Microsoft.AspNetCore.Http;

namespace Berth.Server.Tests.Proxy;

/// <summary>Whose visit a request is.</summary>
public sealed class VisitsTests : IAsyncLifetime
{
    private readonly string _folder = System.IO.Directory.CreateTempSubdirectory("berth-visits-").FullName;
    private ProxyServer _server = null!;
    private SessionRoute _session = null!;

    public async ValueTask InitializeAsync()
    {
        _server = await ProxyServer.StartAsync(_folder);
        _session = _server.AddSession(1);
    }

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        System.IO.Directory.Delete(_folder, recursive: true);
    }

    private SessionOrigin FrontEnd => new(_session.Id);

    [Fact]
    public void EachSignInAndAddressAndOriginHasOneOfItsOwn()
    {
        var visits = _server.Get<Visits>();
        var first = visits.Of(From("192.0.2.1"), FrontEnd, new Visitor("ana", "s1"));
        Assert.Same(first, visits.Of(From("192.0.2.1"), FrontEnd, new Visitor("ana", "s1")));
        Assert.Same(first, visits.Require(first.Name));
        Assert.NotSame(first, visits.Of(From("192.0.2.2"), FrontEnd, new Visitor("ana", "s1")));
        Assert.NotSame(first, visits.Of(From("192.0.2.1"), FrontEnd, new Visitor("ana", "s2")));
        Assert.NotSame(first, visits.Of(From("192.0.2.1"), FrontEnd with { Port = 8080 }, new Visitor("ana", "s1")));
    }

    [Fact]
    public void WhatIsOverOfASessionIsForgotten()
    {
        var visits = _server.Get<Visits>();
        var visit = visits.Of(From("192.0.2.1"), FrontEnd, new Visitor("ana", "s1"));
        _server.Directory.Remove(_session.Id);
        Assert.Throws<IOException>(() => visits.Require(visit.Name));
    }

    [Fact]
    public void ARequestOfAKnownVisitAllocatesNothing()
    {
        var (visits, context, visitor) = (_server.Get<Visits>(), From("192.0.2.1"), new Visitor("ana", "s1"));
        var visit = visits.Of(context, FrontEnd, visitor);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1000; i++)
            Assert.Same(visit, visits.Of(context, FrontEnd, visitor));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1000);
    }

    [Theory]
    [InlineData("127.0.0.1", "203.0.113.9, 198.51.100.4", "198.51.100.4")]
    [InlineData("192.0.2.1", "203.0.113.9", "192.0.2.1")]
    [InlineData("127.0.0.1", null, "127.0.0.1")]
    public void BehindAProxyOfThisMachineTheAddressIsWhatThatSays(string peer, string? forwarded, string from)
    {
        var visits = new Visits(_server.Directory, _server.Get<Neighbours>(), _server.Get<ServerOptions>() with { PublicUrl = new Uri("https://berth.example.org") });
        var context = From(peer);
        context.Request.Headers["X-Forwarded-For"] = forwarded;
        visits.Of(context, FrontEnd, new Visitor("ana", "s1")).Take(new MemoryStream(), Stream.Null).Dispose();
        Assert.Equal(from, Assert.Single(_server.Visits).From);
    }

    private static DefaultHttpContext From(string address) => new() { Connection = { RemoteIpAddress = IPAddress.Parse(address) } };
}
