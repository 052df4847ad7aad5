using Berth.Server.Storage;
using Npgsql;

namespace Berth.Server.Tests.Storage;

public sealed class PostgresUrlTests
{
    [Fact]
    public void ReadsEveryPart()
    {
        Assert.True(PostgresUrl.TryParse("postgres://berth:p%40ss%3Aw@db.example.org:6432/berth?sslmode=verify-full", out var text, out _));
        var read = new NpgsqlConnectionStringBuilder(text);
        Assert.Equal(("db.example.org", 6432, "berth", "berth", "p@ss:w"), (read.Host, read.Port, read.Database, read.Username, read.Password));
        Assert.Equal(SslMode.VerifyFull, read.SslMode);
    }

    [Fact]
    public void ASocketFolderReplacesTheHost()
    {
        Assert.True(PostgresUrl.TryParse("postgresql://me@/berth?host=%2Frun%2Fpostgresql", out var text, out _));
        Assert.Equal("/run/postgresql", new NpgsqlConnectionStringBuilder(text).Host);
    }

    [Theory]
    [InlineData("mysql://a@b/c", "must look like")]
    [InlineData("db.example.org", "must look like")]
    [InlineData("postgres://a:secret@b", "names no database")]
    [InlineData("postgres://a:secret@b/c?sslmode=perhaps", "'sslmode'")]
    [InlineData("postgres://a:secret@b/c?pool=9", "'pool'")]
    public void SaysWhatIsWrongWithoutThePassword(string url, string expected)
    {
        Assert.False(PostgresUrl.TryParse(url, out _, out var problem));
        Assert.Contains(expected, problem);
        Assert.DoesNotContain("secret", problem);
    }
}
