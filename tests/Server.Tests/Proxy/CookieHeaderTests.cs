using Berth.Server.Proxy;
using Microsoft.Extensions.Primitives;

namespace Berth.Server.Tests.Proxy;

public sealed class CookieHeaderTests
{
    [Theory]
    [InlineData("a=1; b=2", "a=1; b=2")]
    [InlineData("berth-gate-X=1", "")]
    [InlineData("a=1; berth-gate-X=1; b=2", "a=1; b=2")]
    [InlineData("__Host-berth-gate=1;a=1;;BERTH-nonce-X=2", "a=1")]
    [InlineData("a=berth-gate", "a=berth-gate")]
    [InlineData("", "")]
    public void TakesBerthsOwnOut(string header, string kept) => Assert.Equal(kept, CookieHeader.WithoutOwn(header));

    [Fact]
    public void JoinsSeveralHeaders() =>
        Assert.Equal("a=1; b=2", CookieHeader.WithoutOwn(new StringValues(["a=1; berth-nonce-X=1", "berth-gate-X=2; b=2"])));
}
