using Berth.Files.Disk;
using Berth.Files.Tests.House;
using FsCheck;
using FsCheck.Fluent;

namespace Berth.Files.Tests;

/// <summary>Whatever is copied arrives as it is: names, bytes, modes, times and links.</summary>
public sealed class CopyProperties
{
    [Fact]
    public void A_tree_that_went_there_and_back_is_the_same() =>
        Prop.ForAll(Node.Trees(3).ToArbitrary(), tree => TryAsync(tree).GetAwaiter().GetResult()).Check(Config.QuickThrowOnFailure.WithMaxTest(60).WithEndSize(20));

    [Fact]
    public async Task A_copy_over_an_older_one_is_the_same_too()
    {
        using var place = new Temporary();
        Directory.CreateDirectory(place["old/tree"]);
        await File.WriteAllTextAsync(place["old/tree/a"], "longer than before", Copy.Ct);
        Temporary.Run("ln", "-s", "/etc/passwd", place["old/tree/b"]);
        Directory.CreateDirectory(place["tree"]);
        await File.WriteAllTextAsync(place["tree/a"], "new", Copy.Ct);
        await File.WriteAllTextAsync(place["tree/b"], "a file now", Copy.Ct);
        await new Copy().RunAsync(place["tree"], place["old"]);
        Assert.Equal(Temporary.Described(place["tree"]), Temporary.Described(place["old/tree"]));
        Assert.StartsWith("root:", await File.ReadAllTextAsync("/etc/passwd", Copy.Ct), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_hole_takes_no_place_and_crosses_no_line()
    {
        using var place = new Temporary();
        using (var sparse = File.Create(place["sparse"]))
        {
            sparse.SetLength(1L << 40);
            sparse.Position = 1L << 30;
            sparse.Write("middle"u8);
        }
        var copy = new Copy();
        await copy.RunAsync(place["sparse"], place["copy"]);
        Assert.InRange(copy.Written, 1, 100_000);
        Assert.Equal("1099511627776", Temporary.Run("stat", "-c", "%s", place["copy"]).Trim());
        Assert.Equal("middle", Temporary.Run("dd", $"if={place["copy"]}", "bs=1", $"skip={1L << 30}", "count=6", "status=none"));
        Assert.InRange(long.Parse(Temporary.Run("stat", "-c", "%b", place["copy"]).Trim(), System.Globalization.CultureInfo.InvariantCulture), 1, 100);
    }

    [Fact]
    public async Task Ten_thousand_files_are_counted_and_all_there()
    {
        using var place = new Temporary();
        Temporary.Run("sh", "-c", $"mkdir {place["many"]} && cd {place["many"]} && for d in $(seq 100); do mkdir $d; for f in $(seq 100); do echo $d $f > $d/$f; done; done");
        var copy = new Copy();
        await copy.RunAsync(place["many"], place["copy"]);
        Assert.Equal((10_000, 10_000, 0), (copy.Sent.Files, copy.Received.Files, copy.Sent.Troubles));
        Assert.Equal((10_000L, copy.Sent.Bytes), copy.Sent.Total);
        Assert.Equal(copy.Sent.Total, copy.Received.Total);
        Temporary.Run("diff", "-r", place["many"], place["copy"]);
    }

    private static async Task TryAsync(FolderNode tree)
    {
        using var place = new Temporary();
        using (var folder = Folder.Open(Copy.Bytes(place.Path)))
            (tree with { Name = "tree"u8.ToArray() }).Make(folder);
        foreach (var (from, to) in new[] { ("tree", "there"), ("there", "back") })
        {
            var copy = new Copy();
            await copy.RunAsync(place[from], place[to]);
            Assert.Empty(copy.Troubles);
            Assert.Equal(copy.Sent.Bytes, copy.Received.Bytes);
        }
        Assert.Equal(Temporary.Described(place["tree"]), Temporary.Described(place["back"]));
    }
}
