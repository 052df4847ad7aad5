using System.Diagnostics;
using System.Security.Cryptography;
using Berth.EndToEnd.Tests.House;
using Berth.Fakes;

namespace Berth.EndToEnd.Tests;

/// <summary>Files into a real session and out of it, by the command as it is published. The image has nothing but busybox.</summary>
public sealed class FilesTests(CutServer server) : IClassFixture<CutServer>, IDisposable
{
    private const int Large = 60_000_000;
    private const int Reached = 30_000_000;
    private readonly DirectoryInfo _place = Directory.CreateTempSubdirectory("berth-cp-");

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public void Dispose() => Process.Start("rm", ["-rf", _place.FullName]).WaitForExit();

    [Fact]
    public async Task A_tree_goes_in_and_comes_out_as_it_is()
    {
        var session = await server.StartEchoAsync("tree");
        await ShellAsync("""
            mkdir -p tree/sub/empty tree/closed && printf '#!/bin/sh\n' > tree/run && chmod 750 tree/run && : > tree/nothing && ln -s ../away tree/sub/link && ln -s /etc/passwd tree/abs
            printf x > "$(printf 'tree/odd \377\n name')" && truncate -s 50M tree/sparse && chmod 640 tree/nothing && chmod 555 tree/closed && chmod 4755 tree/run
            touch -d '2001-02-03 04:05:06.789' tree/run && touch -h -d '2002-02-02' tree/abs && touch -d '2003-03-03' tree/sub tree
            """);
        await WellAsync("cp", "tree", "tree:");
        Assert.Equal("jane 755\n", await InsideAsync("busybox stat -c '%U %a' /work/tree/run"));
        Assert.Equal("0\n", await InsideAsync("busybox stat -c %b tree/sparse"));
        await WellAsync("cp", "tree:tree", "back");
        await ShellAsync("chmod 755 tree/run && touch -d '2001-02-03 04:05:06.789' tree/run && chmod 755 back/run && touch -d '2001-02-03 04:05:06.789' back/run");
        Assert.Equal(await ListAsync("tree"), await ListAsync("back"));

        // Contents, several, the home folder, and names that are no text, as the shell gives them.
        await WellAsync("cp", "-r", "tree/.", "tree:new");
        await ShellAsync($"{Published.Command} cp tree/* tree:new/");
        await WellAsync("session", "cp", ":new/run", ":new/nothing", ".");
        await WellAsync("cp", "tree/run", "tree:~/at-home");
        await ShellAsync($"cd tree && {Published.Command} cp odd* tree:new/odd && {Published.Command} cp \"$(printf 'tree:tree/odd \\377\\n name')\" ../odd-back");
        Assert.Equal("x", await File.ReadAllTextAsync(At("odd-back"), Ct));
        Assert.Equal("x", await InsideAsync("busybox cat new/odd"));
        Assert.Equal("755\n", await InsideAsync("busybox stat -c %a ~/at-home"));
        await WellAsync("cp", "tree:", "all");
        Assert.True(File.Exists(At("all/new/run")));

        Assert.Equal([], Directory.GetFiles(_place.FullName, ".berth-copy-*", SearchOption.AllDirectories));
        Assert.Equal("", await InsideAsync("busybox find /work -name '.berth-copy*'"));
        await server.RemoveAsync(session.Id);
    }

    [Fact]
    public async Task What_cannot_be_copied_is_told_and_the_rest_goes_on()
    {
        var session = await server.StartEchoAsync("told");
        await ShellAsync("mkdir tree && echo a > tree/a && mkfifo tree/pipe && ln -s nowhere tree/link");
        var ran = await BerthAsync("cp", "tree", "missing", "told:");
        Assert.Equal(1, ran.Code);
        Assert.Contains("'missing' does not exist on this machine.\n", ran.Error, StringComparison.Ordinal);
        Assert.Contains("'tree/pipe' on this machine was not copied: it is a pipe, a socket or a device.\n", ran.Error, StringComparison.Ordinal);
        Assert.Equal("a\n", await InsideAsync("busybox cat tree/a", "told"));

        Assert.Equal((1, "'/etc/b' in the session cannot be written: permission denied.\n"), Words(await BerthAsync("cp", "tree/a", "told:/etc/b")));
        Assert.Equal((1, "'no*' does not exist in the session.\n"), Words(await BerthAsync("cp", "told:no*", ".")));
        Assert.Equal((1, "Nothing can be copied to 'no/where' on this machine: its folder cannot be opened, it does not exist. Make it first.\n"), Words(await BerthAsync("cp", "told:tree/a", "no/where")));
        await InsideAsync("busybox mkdir shut; echo secret > shut/file; busybox chmod 0 shut/file; echo open > shut/open", "told");
        Assert.Equal((1, "'shut/file' in the session cannot be read: permission denied.\n"), Words(await BerthAsync("cp", "told:shut", ".")));
        Assert.Equal("open\n", await File.ReadAllTextAsync(At("shut/open"), Ct));

        foreach (var wrong in (string[][])[["a", "b"], ["told:a", "told:b"], ["told:a", "b", "c"], ["told:a"], ["", "told:"]])
            Assert.Equal(2, (await BerthAsync(["cp", .. wrong])).Code);
        Assert.Equal(4, (await BerthAsync("cp", "tree/a", "nobody:")).Code);
        await server.RemoveAsync(session.Id);
    }

    [Fact]
    public async Task A_full_disk_is_told_and_nothing_is_left_half_written()
    {
        var session = await server.StartEchoAsync("full", memory: 0.25);
        await MakeLargeAsync(100_000_000);
        // 64 MB there.
        Assert.Equal((1, "The copy has ended: '/dev/shm/large' in the session cannot be written, the disk is full.\n"), Words(await BerthAsync("cp", "large", "full:/dev/shm")));
        Assert.Equal("", await InsideAsync("busybox ls -A /dev/shm", "full"));

        await WellAsync("cp", "large", "full:");
        using var disk = SmallDisk.TryMount(16);
        Assert.SkipWhen(disk is null, "This user may not mount.");
        Assert.Equal((1, $"The copy has ended: '{disk.Folder}/large' on this machine cannot be written, the disk is full.\n"), Words(await BerthAsync("cp", "full:large", disk.Folder)));
        Assert.Empty(Directory.GetFileSystemEntries(disk.Folder));
        await server.RemoveAsync(session.Id);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_server_that_is_killed_costs_no_byte(bool up)
    {
        var session = await server.StartEchoAsync("mortal");
        using var copy = await BeginAsync("mortal", up);
        await server.KillAsync();
        server.Relay.CutAfter = () => null;
        await server.StartAsync();
        await copy.WaitForExitAsync(Ct).WaitAsync(TimeSpan.FromMinutes(1), Ct);
        var said = await copy.StandardError.ReadToEndAsync(Ct);
        Assert.True(copy.ExitCode == 0, said);
        Assert.Contains("nothing is lost.", said, StringComparison.Ordinal);
        Assert.DoesNotContain("goes on where", said, StringComparison.Ordinal);
        await AssertWholeAsync("mortal", up);
        await server.RemoveAsync(session.Id);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_command_that_is_killed_and_begun_again_goes_on_where_it_was(bool up)
    {
        var session = await server.StartEchoAsync("again");
        using (var copy = await BeginAsync("again", up))
        {
            copy.Kill();
            await copy.WaitForExitAsync(Ct);
        }
        server.Relay.CutAfter = () => null;
        var ran = await BerthAsync(Ends("again", up));
        Assert.True(ran.Code == 0, ran.Error);
        var there = double.Parse(System.Text.RegularExpressions.Regex.Match(ran.Error, "goes on where an earlier copy ended: ([0-9.]+) MB of it are there").Groups[1].Value, System.Globalization.CultureInfo.InvariantCulture);
        Assert.InRange(there, 15, 31);
        await AssertWholeAsync("again", up);
        await server.RemoveAsync(session.Id);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Ctrl_C_leaves_nothing_behind(bool up)
    {
        var session = await server.StartEchoAsync("called-off");
        // Takes no time to make, and long enough to copy.
        if (up)
            await ShellAsync("fallocate -l 3G large");
        else
            await InsideAsync("busybox fallocate -l 3221225472 large", "called-off");
        using (var copy = Ran.Start(Published.Command, ["cp", up ? "large" : "called-off:large", up ? "called-off:/work/there" : "there"], server.Near, _place.FullName))
        {
            await Eventually.TrueAsync(async () => up ? (await InsideAsync("busybox ls -A /work", "called-off")).Contains(".berth-copy-", StringComparison.Ordinal) : Drafts().Length > 0, "it has begun");
            await Ran.WellAsync("kill", "-INT", $"{copy.Id}");
            await copy.WaitForExitAsync(Ct);
            Assert.Equal(130, copy.ExitCode);
        }
        var left = "";
        await Eventually.TrueAsync(
            async () => (left = up ? await InsideAsync("busybox ls -A /work | busybox grep -v index", "called-off") : string.Join('\n', Directory.GetFiles(_place.FullName))) == "",
            () => $"nothing is left but {left}");
        await server.RemoveAsync(session.Id);

        string[] Drafts() => Directory.GetFiles(_place.FullName, ".berth-copy-*");
    }

    [Fact]
    public async Task Ten_thousand_files_arrive_and_it_is_written_down_who_copied()
    {
        var session = await server.StartEchoAsync("many");
        await ShellAsync("mkdir many && cd many && for d in $(seq 100); do mkdir $d; for f in $(seq 100); do echo $d $f > $d/$f; done; done");
        await WellAsync("cp", "many", "many:");
        Assert.Equal("10000\n", await InsideAsync("busybox find many -type f | busybox wc -l", "many"));
        await WellAsync("cp", "many:many", "back");
        await ShellAsync("diff -r many back");
        await Eventually.TrueAsync(async () =>
        {
            var rows = (await server.Api.SessionConnectionsAsync(session.Id, Ct)).Where(row => row.EndedAt is not null).ToList();
            return rows.Any(row => row is { Kind: "upload", Target: ".", BytesIn: > 300_000 }) && rows.Any(row => row is { Kind: "download", Target: "many", BytesOut: > 300_000 });
        }, "it is written down");
        await server.RemoveAsync(session.Id);
    }

    [Fact]
    public async Task At_a_terminal_one_line_tells_how_far_it_is()
    {
        var session = await server.StartEchoAsync("shown");
        await MakeLargeAsync();
        await using var screen = await Screen.OpenAsync(server.Far);
        var cuts = server.Relay.Cuts;
        server.Relay.CutAfter = () => server.Relay.Cuts == cuts ? Reached : 0;
        await screen.TypeAsync($"clear; cd {_place.FullName}; {Published.Command} cp large shown:there\n");
        await screen.UntilAsync("The connection is lost: reconnecting");
        await screen.UntilAsync(" of 60 MB");
        var line = (await screen.ReadAsync()).Split('\n').Single(line => line.Contains(" of 60 MB", StringComparison.Ordinal));
        Assert.Matches(@"^ \d\d %  \d+(\.\d)? MB of 60 MB.*  large$", line);
        server.Relay.CutAfter = () => null;
        await screen.UntilAsync("Copied 1 file, 60 MB in");
        Assert.DoesNotContain(" of 60 MB", await screen.ReadAsync(), StringComparison.Ordinal);
        await server.RemoveAsync(session.Id);
    }

    [Fact]
    public async Task Files_are_there_before_a_session_is_said_to_be_ready()
    {
        await ShellAsync("mkdir -p data/sub && echo one > data/sub/1 && echo two > a:b");
        var image = (await server.StartEchoAsync("template")).Image;
        string[] start = ["session", "start", "--image", image, "--port", "8000", "--upload", "data", "--upload", "a:b", "--upload", "data/sub:kept", "--upload", "data/sub/1:made/on/the/way"];
        var ran = await BerthAsync([.. start, "--name", "upload", "--", "/bin/busybox", "httpd", "-f", "-p", "8000", "-h", "/work"]);
        Assert.True(ran.Code == 0, ran.Error);
        Assert.Matches(@"(?s)Uploading +\d.*data: 1 file, .*is ready after", ran.Error);
        Assert.Equal("one\ntwo\none\none\n", await InsideAsync("busybox cat data/sub/1 a:b kept/1 made/on/the/way", "upload"));

        var failed = await BerthAsync("session", "start", "--image", image, "--port", "8000", "--upload", "data:/bin/busybox/within", "--name", "failed", "--", "/bin/busybox", "httpd", "-f", "-p", "8000", "-h", "/work");
        Assert.Equal(1, failed.Code);
        Assert.Contains("Again:  berth session cp data failed:/bin/busybox/within", failed.Error, StringComparison.Ordinal);
        Assert.Equal("running", (await server.Api.GetSessionAsync("failed", Ct)).Berth.Status);

        Assert.Equal((2, "--upload none: 'none' does not exist here. Nothing was started.\n"), Words(await BerthAsync("session", "start", "--upload", "none", "-y")));
        Assert.Contains("--detach does not wait", (await BerthAsync("session", "start", "--upload", "data", "-y", "--detach")).Error, StringComparison.Ordinal);
        foreach (var session in await server.Api.ListSessionsAsync(Ct))
            await server.RemoveAsync(session.Id);
    }

    [Fact]
    public async Task The_image_of_JupyterLab_takes_and_gives_files()
    {
        await ShellAsync("mkdir lab && echo '{}' > lab/notes.ipynb");
        var start = await BerthAsync("session", "start", "--name", "lab", "-y", "--upload", "lab");
        Assert.True(start.Code == 0, start.Error);
        await WellAsync("cp", "lab:lab", "lab-back");
        Assert.Equal(await ListAsync("lab"), await ListAsync("lab-back"));
        await server.RemoveAsync((await server.Api.GetSessionAsync("lab", Ct)).Id);
    }

    /// <summary>A copy of a large file whose line was cut in the middle, and is not to be had again yet.</summary>
    private async Task<Process> BeginAsync(string session, bool up)
    {
        await MakeLargeAsync();
        if (!up)
        {
            await WellAsync("cp", "large", $"{session}:");
            File.Move(At("large"), At("original"));
        }
        var cuts = server.Relay.Cuts;
        server.Relay.CutAfter = () => server.Relay.Cuts == cuts ? Reached : 0;
        var copy = Ran.Start(Published.Command, Ends(session, up), server.Far, _place.FullName);
        await Eventually.TrueAsync(() => server.Relay.Cuts > cuts + 1, "the line is cut", TimeSpan.FromSeconds(30));
        return copy;
    }

    private static string[] Ends(string session, bool up) => up ? ["cp", "large", $"{session}:"] : ["cp", $"{session}:large", "."];

    private async Task AssertWholeAsync(string session, bool up)
    {
        var theirs = await InsideAsync("busybox sha256sum large | busybox cut -c 1-64", session);
        await using var file = File.OpenRead(At("large"));
        Assert.Equal(theirs.Trim(), Convert.ToHexStringLower(await SHA256.HashDataAsync(file, Ct)));
        Assert.Equal([At("large")], Directory.GetFiles(_place.FullName, up ? "*" : "*large"));
        Assert.Equal("", await InsideAsync("busybox find /work -name '.berth-copy*'", session));
    }

    private async Task MakeLargeAsync(int size = Large)
    {
        var bytes = new byte[size];
        new Random(4).NextBytes(bytes);
        await File.WriteAllBytesAsync(At("large"), bytes, Ct);
    }

    private string At(string name) => Path.Combine(_place.FullName, name);

    private static (int, string) Words(Ran ran) => (ran.Code, ran.Error);

    private Task<Ran> BerthAsync(params string[] arguments) => server.BerthInAsync(_place.FullName, arguments);

    private async Task WellAsync(params string[] arguments)
    {
        var ran = await BerthAsync(arguments);
        Assert.True(ran is { Code: 0, Out: "", Error: "" }, $"{ran}");
    }

    private async Task ShellAsync(string script)
    {
        var ran = await Ran.ToEndAsync("sh", ["-e", "-c", script], server.Near, _place.FullName);
        Assert.True(ran.Code == 0, ran.Error);
    }

    private async Task<string> ListAsync(string folder) =>
        (await Ran.ToEndAsync("sh", ["-c", "cd \"$1\" && find . -mindepth 1 -printf '%P %y %m %T@ %l\\n' | LC_ALL=C sort; find . -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum", "_", folder], null, _place.FullName)).Out;

    private async Task<string> InsideAsync(string script, string session = "tree") => (await server.BerthAsync("exec", session, "--", "sh", "-c", script)).Out;
}
