using System.Text;
using Berth.Cli.Reach;

namespace Berth.Cli.Tests.Reach;

public sealed class EscapeKeyTests
{
    [Theory]
    [InlineData("ls ~/work\r", "ls ~/work\r", false)]
    [InlineData("~.", "", true)]
    [InlineData("ls\r~.more", "ls\r", true)]
    [InlineData("~~.\r", "~.\r", false)]
    [InlineData("~x", "~x", false)]
    [InlineData("a~.", "a~.", false)]
    [InlineData("~\r~.", "~\r", true)]
    public void LeavesAtTheBeginOfALineOnly(string typed, string passed, bool leaves)
    {
        Assert.Equal((passed, leaves), Pass(typed));
        // A key at a time, as people type.
        Assert.Equal((passed, leaves), Pass([.. typed.Select(key => key.ToString())]));
    }

    private static (string Passed, bool Leaves) Pass(params string[] typed)
    {
        var escape = new EscapeKey();
        var all = new StringBuilder();
        foreach (var part in typed)
        {
            var into = new byte[part.Length + 1];
            var leaves = escape.Pass(Encoding.ASCII.GetBytes(part), into, out var count);
            all.Append(Encoding.ASCII.GetString(into, 0, count));
            if (leaves)
                return (all.ToString(), true);
        }
        return (all.ToString(), false);
    }
}
