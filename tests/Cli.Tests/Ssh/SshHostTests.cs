using Berth.Cli.Ssh;

namespace Berth.Cli.Tests.Ssh;

public sealed class SshHostTests
{
    private static readonly string[] s_contexts = ["lab", "berth.example.org", "example.org", "local"];

    [Theory]
    [InlineData("notebook.berth", "notebook", null)]
    [InlineData("notebook", "notebook", null)]
    [InlineData("My_note.book.BERTH", "My_note.book", null)]
    [InlineData("notebook.lab.berth", "notebook", "lab")]
    [InlineData("notebook.berth.example.org.berth", "notebook", "berth.example.org")]
    [InlineData("a.notebook.local.berth", "a.notebook", "local")]
    [InlineData("lab.berth", "lab", null)] // a session of that name
    public void A_host_is_a_session_and_where_it_says_so_a_server(string host, string session, string? context)
    {
        var read = SshHost.Parse(host, s_contexts);
        Assert.Equal((session, context), (read.Session, read.Context));
    }

    [Theory]
    [InlineData("")]
    [InlineData("-oProxyCommand=true")]
    [InlineData("a b.berth")]
    [InlineData("a,*.berth")] // in known_hosts, a pattern
    [InlineData("a\nb ssh-rsa AAAA.berth")]
    [InlineData("$(id).berth")]
    public void What_no_session_is_called_is_refused(string host) => Assert.Throws<CliException>(() => SshHost.Parse(host, s_contexts));

    [Fact]
    public void The_name_of_a_session_is_read_as_it_was_written()
    {
        Assert.Equal("note.lab.berth", SshHost.Of("note", "lab"));
        Assert.Equal(("note", "lab"), SshHost.Parse(SshHost.Of("note", "lab"), s_contexts) is var host ? (host.Session, host.Context) : default);
        Assert.Equal("note.berth", SshHost.Of("note", "my;server"));
    }
}
