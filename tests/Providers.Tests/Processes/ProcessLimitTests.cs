using Berth.Providers.Processes;

namespace Berth.Providers.Tests.Processes;

/// <summary>
/// Limits of sessions that are processes. Where the user's systemd may set control groups is not every machine, and not the
/// one that these tests were written on: a script stands in its place, which notes what it is asked for.
/// </summary>
public sealed class ProcessLimitTests : ProcessSessions
{
    private const string Asked = "--user --scope --quiet --collect --property=MemoryMax=268435456 --property=MemorySwapMax=0 --property=CPUQuota=50% --property=TasksMax=77 -- ";

    [Fact]
    public async Task ProcessesOfASessionAreLimitedToSomeMoreThanItsUserHas()
    {
        var provider = Make(options => options with { MostProcesses = 1000 });
        var said = await SaidAsync(provider, await StartAsync(provider, "prlimit --nproc --core --noheadings --output=SOFT,HARD"));
        Assert.Equal(["0", "0"], said[1].Split(' ', StringSplitOptions.RemoveEmptyEntries)); // no core dumps
        var limits = said[0].Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(int.Parse).ToList();
        Assert.Equal(limits[0], limits[1]);
        Assert.InRange(limits[0], 1000 + 2, 1000 + 100_000);
    }

    [Fact]
    public async Task WhereTheUsersSystemdKeepsLimitsASessionIsAScopeOfIts()
    {
        var provider = Scoped("268435456 50000 100000 77", "0::/user.slice/user-1000.slice/user@1000.service/app.slice/berth-node.service");
        Assert.EndsWith(", memory, processor, processes limited", await provider.CheckAsync(Ct), StringComparison.Ordinal);
        var said = await SaidAsync(provider, await StartAsync(provider, "ulimit -d"));
        Assert.Equal("unlimited", said[0]); // one process may have all of the session's memory
        Assert.StartsWith(Asked, File.ReadAllLines(At("asked"))[^1], StringComparison.Ordinal);
    }

    [Fact]
    public async Task WhatIsNotHandedOnIsLimitedForEachProcess()
    {
        var provider = Scoped("77", "0::/user.slice/user-1000.slice/user@1000.service/app.slice/berth-node.service");
        Assert.EndsWith(", processes limited", await provider.CheckAsync(Ct), StringComparison.Ordinal);
        Assert.Equal([$"{256 << 10}"], await SaidAsync(provider, await StartAsync(provider, "ulimit -d")));
    }

    [Theory]
    [InlineData("", "0::/user.slice/user-1000.slice/user@1000.service/app.slice/berth-node.service")] // nothing is handed on
    [InlineData("268435456 50000 100000 77", "0::/user.slice/user-1000.slice/session-3.scope")] // it would end with its user's login
    public async Task WhereNoneAreKeptOrTheNodeIsNoServiceOfItsUserSessionsAreNoScopes(string kept, string groups)
    {
        var provider = Scoped(kept, groups);
        Assert.DoesNotContain("limited", await provider.CheckAsync(Ct), StringComparison.Ordinal);
        Assert.Equal([$"{256 << 10}"], await SaidAsync(provider, await StartAsync(provider, "ulimit -d")));
        Assert.DoesNotContain(Asked, File.Exists(At("asked")) ? await File.ReadAllTextAsync(At("asked"), Ct) : "", StringComparison.Ordinal);
    }

    /// <summary>With a systemd that keeps these limits of all that it is asked for, whatever their amount.</summary>
    private ProcessProvider Scoped(string kept, string groups)
    {
        File.WriteAllText(At("groups"), groups + "\n");
        var tried = kept.Replace("268435456", "67108864", StringComparison.Ordinal).Replace("77", "32", StringComparison.Ordinal).Replace(" 32", "\n32", StringComparison.Ordinal).Replace(" 50000", "\n50000", StringComparison.Ordinal);
        File.WriteAllText(At("systemd-run"), $"""
            #!/bin/sh
            echo "$@" >>{At("asked")}
            while [ "$1" != -- ]; do shift; done
            shift
            case $3 in *memory.max*) echo '{tried}'; exit ;; esac
            exec "$@"
            """);
        File.SetUnixFileMode(At("systemd-run"), UnixFileMode.UserRead | UnixFileMode.UserExecute);
        return Make(options => options with { SystemdRun = At("systemd-run"), ControlGroups = At("groups"), MostProcesses = 77 });
    }
}
