using Berth.Core.Agents;

namespace Berth.Providers.Tests;

/// <summary>
/// A folder that takes the place of the published agent, so that providers are tried without it: a shell script that runs
/// the behaviour which the order's command names.
/// </summary>
internal static class StandInAgent
{
    private const string Program = """
        #!/bin/sh
        order() { sed -n "s/.*\"$1\":\[*\"\([^\"]*\)\".*/\1/p" /berth-session/order.json; }
        WORK=$(order mount_directory)
        export WORK
        exec /bin/sh /berth/"$(order command)"
        """;

    private static readonly Dictionary<string, string> Behaviours = new()
    {
        ["stay"] = "trap 'exit 0' TERM\nwhile :; do sleep 1000 & wait $!; done",
        ["stubborn"] = "trap '' TERM\nwhile :; do sleep 1; done",
        ["say-goodbye"] = "trap 'echo goodbye >$WORK/said; exit 0' TERM\nwhile :; do sleep 1000 & wait $!; done",
        ["show-goodbye"] = "cat $WORK/said",
        ["fail"] = "echo cannot go on; printf '\\033[31mreally\\033[0m\\007\\n'; exit 3",
        ["eat-memory"] = "tail /dev/zero",
        ["write"] = "mkdir -p $WORK/sub && echo kept >$WORK/sub/file && echo written",
        ["read"] = "cat $WORK/sub/file 2>/dev/null || echo nothing",
        ["who"] = "touch $WORK/new && echo \"$(id -u):$(id -g) workspace $(stat -c %u:%g $WORK) file $(stat -c %u:%g $WORK/new)\"",
        ["limits"] = """
            c=/sys/fs/cgroup
            if [ -e $c/cpu.max ]; then read quota period <$c/cpu.max; memory=$(cat $c/memory.max)
            else quota=$(cat $c/cpu/cpu.cfs_quota_us); period=$(cat $c/cpu/cpu.cfs_period_us); memory=$(cat $c/memory/memory.limit_in_bytes); fi
            echo "$(awk "BEGIN{print $quota/$period}") $memory $(df -k /dev/shm | awk 'END{print $2}') $(ulimit -n)"
            """,
        ["show-order"] = "cat /berth-session/order.json; echo; echo \"token: $(cat /berth-session/token)\"",
        ["hardening"] = """
            grep -E 'NoNewPrivs|CapEff|CapBnd' /proc/self/status
            [ -e /var/run/docker.sock ] && echo engine socket
            touch /berth/x 2>/dev/null && echo agent folder writable
            touch /berth-session/x 2>/dev/null && echo session folder writable
            grep -v ' lo$' /proc/net/if_inet6
            exit 0
            """,
        ["environment"] = "echo \"$GREETING $(pwd)\"",
        ["own"] = "touch /tmp/x && chown 7:7 /tmp/x && stat -c %u:%g /tmp/x",
        ["serve"] = "mkdir -p /tmp/www && echo served >/tmp/www/index.html && exec httpd -f -p 8000 -h /tmp/www",
        // Reads addresses (host port) from the workspace and says of each whether it can be reached.
        ["reach"] = """
            while read -r host port; do
              if nc -w 3 "$host" "$port" </dev/null >/dev/null 2>&1; then echo "$host yes"; else echo "$host no"; fi
            done <$WORK/addresses
            ip route | grep -c default
            """,
    };

    public static void WriteTo(string folder)
    {
        Directory.CreateDirectory(folder);
        foreach (var (name, script) in Behaviours)
            File.WriteAllText(Path.Combine(folder, name), script + "\n");
        var program = Path.Combine(folder, Path.GetFileName(AgentFiles.Program));
        File.WriteAllText(program, Program + "\n");
        const UnixFileMode everybody = UnixFileMode.UserRead | UnixFileMode.GroupRead | UnixFileMode.OtherRead
            | UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;
        File.SetUnixFileMode(program, everybody);
        File.SetUnixFileMode(folder, everybody | UnixFileMode.UserWrite);
    }
}
