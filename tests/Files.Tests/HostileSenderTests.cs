using System.Buffers.Binary;
using Berth.Files.Tests.House;
using Berth.Files.Wire;

namespace Berth.Files.Tests;

/// <summary>A session may be its user's enemy: whatever it sends, it writes nothing but what was asked for, where it was asked for.</summary>
public sealed class HostileSenderTests
{
    private static readonly byte[] s_meta = [0x0f, 0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0];
    private static readonly byte[] s_asked = "asked"u8.ToArray();

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("../escaped")]
    [InlineData("..")]
    [InlineData(".")]
    [InlineData("/tmp/escaped")]
    [InlineData("a/b")]
    [InlineData("")]
    [InlineData("zero\0")]
    public async Task A_name_that_is_a_path_ends_the_copy(string name)
    {
        foreach (var entry in new Func<Frames, byte[], Task>[] { FileAsync, FolderAsync, LinkAsync })
        {
            using var place = new Temporary();
            Directory.CreateDirectory(place["here"]);
            await Assert.ThrowsAsync<IOException>(() => new Copy().ReceiveAsync(place["here"], [s_asked], async frames =>
            {
                await frames.WriteAsync(FrameKind.Source, s_asked, Ct);
                await FolderAsync(frames, s_asked);
                await entry(frames, Copy.Bytes(name));
            }));
            Assert.Equal([place["here"]], Directory.GetFileSystemEntries(place.Path));
            Assert.Equal([place["here/asked"]], Directory.GetFileSystemEntries(place["here"]));
            Assert.Empty(Directory.GetFileSystemEntries(place["here/asked"]));
        }
    }

    [Fact]
    public async Task Nothing_but_what_was_asked_for_is_taken()
    {
        using var place = new Temporary();
        await Assert.ThrowsAsync<IOException>(() => new Copy().ReceiveAsync(place.Path, [s_asked], frames => SourceAsync(frames, ".bashrc")));
        // Nor more of it.
        await Assert.ThrowsAsync<IOException>(() => new Copy().ReceiveAsync(place.Path, [s_asked], async frames =>
        {
            await SourceAsync(frames, "asked");
            await FileAsync(frames, ".profile"u8.ToArray());
        }));
        await Assert.ThrowsAsync<IOException>(() => new Copy().ReceiveAsync(place.Path, [s_asked], async frames =>
        {
            await SourceAsync(frames, "asked");
            await SourceAsync(frames, "asked");
        }));
        Assert.Equal([place["asked"]], Directory.GetFileSystemEntries(place.Path));
    }

    [Fact]
    public async Task A_link_is_never_gone_through()
    {
        using var place = new Temporary();
        Directory.CreateDirectory(place["elsewhere"]);
        Directory.CreateDirectory(place["here"]);
        var copy = new Copy();
        await copy.ReceiveAsync(place["here"], [s_asked], async frames =>
        {
            await frames.WriteAsync(FrameKind.Source, s_asked, Ct);
            await FolderAsync(frames, s_asked);
            await LinkAsync(frames, "door"u8.ToArray(), place["elsewhere"]);
            await FolderAsync(frames, "door"u8.ToArray());
            await FileAsync(frames, "planted"u8.ToArray());
            await frames.WriteAsync(FrameKind.Up, Ct);
            await LinkAsync(frames, "file"u8.ToArray(), place["elsewhere/other"]);
            await FileAsync(frames, "file"u8.ToArray());
            await frames.WriteAsync(FrameKind.Up, Ct);
            await frames.WriteAsync(FrameKind.Done, Ct);
        });
        Assert.Empty(Directory.GetFileSystemEntries(place["elsewhere"]));
        Assert.Null(new FileInfo(place["here/asked/file"]).LinkTarget);
        Assert.Single(copy.Troubles, trouble => trouble.Contains("door", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_link_that_is_there_is_replaced_and_its_target_is_not()
    {
        using var place = new Temporary();
        await File.WriteAllTextAsync(place["target"], "mine", Ct);
        Directory.CreateDirectory(place["here"]);
        Temporary.Run("ln", "-s", "../target", place["here/asked"]);
        await new Copy().ReceiveAsync(place["here"], [s_asked], async frames =>
        {
            await SourceAsync(frames, "asked");
            await frames.WriteAsync(FrameKind.Done, Ct);
        });
        Assert.Equal("mine", await File.ReadAllTextAsync(place["target"], Ct));
        Assert.Equal("bytes", await File.ReadAllTextAsync(place["here/asked"], Ct));
    }

    [Fact]
    public async Task Setuid_and_its_like_are_dropped()
    {
        using var place = new Temporary();
        await new Copy().ReceiveAsync(place.Path, [s_asked], async frames =>
        {
            await SourceAsync(frames, "asked");
            await frames.WriteAsync(FrameKind.Done, Ct);
        });
        Assert.Equal("777", Temporary.Run("stat", "-c", "%a", place["asked"]).Trim());
    }

    [Fact]
    public async Task What_makes_no_sense_ends_the_copy()
    {
        Func<Frames, Task>[] nonsense =
        [
            frames => frames.WriteAsync(FrameKind.Up, Ct).AsTask(),
            frames => frames.WriteAsync(FrameKind.Data, "x"u8.ToArray(), Ct).AsTask(),
            frames => frames.WriteAsync(FrameKind.Done, Ct).AsTask(),
            frames => frames.WriteAsync((FrameKind)99, Ct).AsTask(),
            frames => frames.WriteAsync(FrameKind.File, new byte[3], Ct).AsTask(),
            frames => frames.WriteAsync(FrameKind.Total, new byte[8], Ct).AsTask(),
            async frames =>
            {
                await frames.WriteAsync(FrameKind.Source, s_asked, Ct);
                await FileAsync(frames, s_asked, end: false);
                await FolderAsync(frames, s_asked);
            },
            async frames =>
            {
                await frames.WriteAsync(FrameKind.Source, s_asked, Ct);
                await FileAsync(frames, s_asked, end: false);
                await frames.WriteAsync(FrameKind.Hole, -1, Ct);
            },
            async frames =>
            {
                await frames.WriteAsync(FrameKind.Source, s_asked, Ct);
                for (var depth = 0; depth < 300; depth++)
                    await FolderAsync(frames, s_asked);
            },
        ];
        foreach (var send in nonsense)
        {
            using var place = new Temporary();
            await Assert.ThrowsAsync<IOException>(() => new Copy().ReceiveAsync(place.Path, [s_asked], send));
            Assert.Empty(Directory.GetFiles(place.Path));
        }
    }

    [Fact]
    public async Task A_file_beyond_all_disks_is_told_and_leaves_nothing()
    {
        using var place = new Temporary();
        var copy = new Copy();
        await copy.ReceiveAsync(place.Path, [s_asked], async frames =>
        {
            await frames.WriteAsync(FrameKind.Source, s_asked, Ct);
            await FileAsync(frames, s_asked, end: false);
            await frames.WriteAsync(FrameKind.Hole, long.MaxValue, Ct);
            await frames.WriteAsync(FrameKind.Hole, long.MaxValue, Ct);
            await frames.WriteAsync(FrameKind.FileEnd, new byte[] { 1 }, Ct);
            await frames.WriteAsync(FrameKind.Done, Ct);
        });
        Assert.Single(copy.Troubles);
        Assert.Empty(Directory.GetFileSystemEntries(place.Path));
    }

    [Fact]
    public async Task What_it_says_cannot_act_on_a_terminal()
    {
        using var place = new Temporary();
        var copy = new Copy();
        await copy.ReceiveAsync(place.Path, [s_asked], async frames =>
        {
            await SourceAsync(frames, "asked");
            await frames.WriteAsync(FrameKind.Trouble, "\e]0;owned\a and \e[2J", Ct);
            await frames.WriteAsync(FrameKind.Done, Ct);
        });
        Assert.Equal(["\uFFFD]0;owned\uFFFD and \uFFFD[2J"], copy.Troubles);
    }

    [Fact]
    public async Task What_others_put_under_the_hidden_name_is_not_written_into()
    {
        using var place = new Temporary();
        var draft = Path.Combine(place.Path, System.Text.Encoding.UTF8.GetString(Disk.Names.Draft(s_asked)));
        foreach (var plant in new[] { $"ln -s {place["victim"]}", "mkfifo", "mkdir", $"ln {place["victim"]}" })
        {
            await File.WriteAllTextAsync(place["victim"], "mine", Ct);
            Temporary.Run("sh", "-c", $"{plant} {draft}");
            await new Copy().ReceiveAsync(place.Path, [s_asked], async frames =>
            {
                await SourceAsync(frames, "asked");
                await frames.WriteAsync(FrameKind.Done, Ct);
            });
            Assert.Equal(("mine", "bytes"), (await File.ReadAllTextAsync(place["victim"], Ct), await File.ReadAllTextAsync(place["asked"], Ct)));
            Temporary.Run("rm", "-rf", draft, place["asked"]);
        }
    }

    private static async Task SourceAsync(Frames frames, string name)
    {
        await frames.WriteAsync(FrameKind.Source, Copy.Bytes(name), Ct);
        await FileAsync(frames, Copy.Bytes(name));
    }

    private static Task FileAsync(Frames frames, byte[] name) => FileAsync(frames, name, end: true);

    private static async Task FileAsync(Frames frames, byte[] name, bool end)
    {
        await frames.WriteAsync(FrameKind.File, (byte[])[.. s_meta, .. new byte[9], .. name], Ct);
        await frames.WriteAsync(FrameKind.Data, "bytes"u8.ToArray(), Ct);
        if (end)
            await frames.WriteAsync(FrameKind.FileEnd, new byte[] { 1 }, Ct);
    }

    private static Task FolderAsync(Frames frames, byte[] name) => frames.WriteAsync(FrameKind.Folder, (byte[])[.. s_meta, .. name], Ct).AsTask();

    private static Task LinkAsync(Frames frames, byte[] name) => LinkAsync(frames, name, "target");

    private static Task LinkAsync(Frames frames, byte[] name, string target)
    {
        var length = new byte[2];
        BinaryPrimitives.WriteUInt16BigEndian(length, (ushort)name.Length);
        return frames.WriteAsync(FrameKind.Link, (byte[])[.. s_meta, .. length, .. name, .. Copy.Bytes(target)], Ct).AsTask();
    }
}
