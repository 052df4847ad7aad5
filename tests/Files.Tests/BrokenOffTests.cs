using System.Security.Cryptography;
using Berth.Fakes;
using Berth.Files.Tests.House;

namespace Berth.Files.Tests;

/// <summary>A copy that was broken off leaves nothing under a name that is not whole, and a large file goes on where it was.</summary>
public sealed class BrokenOffTests
{
    private const int Size = 40_000_000;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_large_file_goes_on_where_it_was()
    {
        using var place = await MakeAsync();
        var copy = new Copy();
        await BreakOffAsync(copy, place, 25_000_000);
        Assert.Equal([Draft(place)], Directory.GetFileSystemEntries(place["there"]));

        await copy.RunAsync(place["large"], place["there"]);
        Assert.InRange(copy.Written, Size - 25_000_000, Size - 24_000_000);
        Assert.Equal((Size, Size), (copy.Sent.Bytes, copy.Received.Bytes));
        await AssertWholeAsync(place);
    }

    [Fact]
    public async Task A_file_that_is_another_now_begins_anew()
    {
        using var place = await MakeAsync();
        var copy = new Copy();
        await BreakOffAsync(copy, place, 25_000_000);
        using (var file = File.OpenWrite(place["large"]))
        {
            file.Position = 1000;
            file.Write("changed"u8);
        }
        await copy.RunAsync(place["large"], place["there"]);
        Assert.InRange(copy.Written, Size, Size + 100_000);
        await AssertWholeAsync(place);

        // Shorter than what is there of it.
        await BreakOffAsync(copy, place, 25_000_000);
        using (var file = File.OpenWrite(place["large"]))
            file.SetLength(17_000_000);
        await copy.RunAsync(place["large"], place["there"]);
        await AssertWholeAsync(place);
    }

    [Fact]
    public async Task A_copy_that_was_called_off_leaves_nothing()
    {
        using var place = await MakeAsync();
        await BreakOffAsync(new Copy { HasCalledOff = true }, place, 25_000_000);
        Assert.Empty(Directory.GetFileSystemEntries(place["there"]));
    }

    [Fact]
    public async Task A_copy_that_its_sender_calls_off_leaves_nothing()
    {
        using var place = await MakeAsync();
        using var callOff = CancellationTokenSource.CreateLinkedTokenSource(Ct);
        var pair = new Pair(holdAfter: 2_000_000);
        var sent = new CopyReport();
        using var landing = Landing.Find([], Copy.Bytes(place["there"]), several: false, "there");
        var receiving = new Receiver(pair.Receiver, landing, "there", new CopyReport(), new Drafts(), new CopyPeer(() => false, pair.Cut, () => false)).ReceiveAsync(null, Ct);
        var ending = receiving.ContinueWith(_ => pair.Cut(), Ct, TaskContinuationOptions.None, TaskScheduler.Default);
        var sending = new Sender(pair.Sender, "here", sent).SendAsync([CopySource.Of([], Copy.Bytes(place["large"]))], callOff.Token);
        await Eventually.TrueAsync(() => sent.Bytes > 1_000_000, "it has begun");
        await callOff.CancelAsync();
        pair.GoOn();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => sending);
        await Assert.ThrowsAsync<CopyFailedException>(() => receiving);
        await ending;
        Assert.Empty(Directory.GetFileSystemEntries(place["there"]));
    }

    [Fact]
    public async Task What_is_whole_stays_and_what_is_small_begins_anew()
    {
        using var place = await MakeAsync();
        Directory.CreateDirectory(place["tree"]);
        for (var i = 0; i < 10; i++)
            await File.WriteAllBytesAsync(place[$"tree/{i}"], new byte[1_000_000], Ct);
        await Assert.ThrowsAnyAsync<IOException>(() => new Copy().RunAsync(place["tree"], place["there"], new Pair(5_500_000)));
        var there = Directory.GetFiles(place["there/tree"]);
        Assert.InRange(there.Length, 3, 5);
        Assert.All(there, file => Assert.Equal(1_000_000, new FileInfo(file).Length));
    }

    [Fact]
    public async Task The_next_copy_takes_over_from_one_whose_sender_is_away()
    {
        using var place = await MakeAsync();
        var first = new Copy();
        var pair = new Pair(25_000_000);
        // Nobody hears that it is cut: as a client that was killed, and is waited for.
        var receiver = new Silent(pair.Receiver);
        using var landing = Landing.Find([], Copy.Bytes(place["there"]), several: false, "there");
        var away = false;
        var receiving = new Receiver(receiver, landing, "there", new CopyReport(), first.Drafts, new CopyPeer(() => away, receiver.End, () => false))
            .ReceiveAsync(null, Ct);
        await Assert.ThrowsAnyAsync<IOException>(() => new Sender(pair.Sender, "here", new CopyReport()).SendAsync([CopySource.Of([], Copy.Bytes(place["large"]))], Ct));

        // As long as it may be at work, it is let be: two copies of one file do not get into each other's way.
        await receiver.Drained.WaitAsync(TimeSpan.FromSeconds(20), Ct);
        var second = new Copy { Drafts = first.Drafts };
        await second.RunAsync(place["large"], place["there"]);
        Assert.InRange(second.Written, Size, Size + 100_000);
        Assert.False(receiving.IsCompleted);
        await AssertWholeAsync(place, left: 1);
        File.Delete(place["there/large"]);

        away = true;
        await second.RunAsync(place["large"], place["there"]);
        Assert.InRange(second.Written, Size - 25_000_000, Size - 24_000_000);
        await Assert.ThrowsAnyAsync<IOException>(() => receiving);
        await AssertWholeAsync(place);
    }

    [Fact]
    public async Task A_full_disk_is_told_once_and_leaves_nothing_half_written()
    {
        using var disk = SmallDisk.TryMount(8);
        Assert.SkipWhen(disk is null, "This user may not mount.");
        using var place = await MakeAsync();
        await File.WriteAllTextAsync(Path.Combine(disk.Folder, "large"), "as before", Ct);
        var copy = new Copy();
        var failed = await Assert.ThrowsAsync<CopyFailedException>(() => copy.RunAsync(place["large"], disk.Folder));
        Assert.Equal($"The copy has ended: '{disk.Folder}/large' there cannot be written, the disk is full.", failed.Message);
        Assert.Equal("as before", await File.ReadAllTextAsync(Path.Combine(disk.Folder, "large"), Ct));
        Assert.Equal([Path.Combine(disk.Folder, "large")], Directory.GetFileSystemEntries(disk.Folder));
    }

    [Fact]
    public async Task What_is_no_file_is_told_and_the_rest_goes_on()
    {
        using var place = new Temporary();
        Temporary.Run("sh", "-c", $"cd {place.Path} && mkdir tree && mkfifo tree/pipe && echo a > tree/a && echo b > tree/z && ln -s nowhere tree/link");
        var copy = new Copy();
        await copy.RunAsync(place.Path, ["tree", "gone", "tree/z"], ".");
        Assert.Equal(["'gone' does not exist here.", "'tree/pipe' here was not copied: it is a pipe, a socket or a device."], copy.Troubles.Order());
        Assert.Equal((2, 4), (copy.Received.Troubles, copy.Received.Files));
        Assert.Equal("b\n", await File.ReadAllTextAsync(place["z"], Ct));
    }

    [Fact]
    public async Task A_file_that_changes_while_it_is_read_is_told()
    {
        using var place = await MakeAsync();
        var pair = new Pair(holdAfter: 100_000);
        var copy = new Copy();
        // Nothing is read ahead of a line that takes nothing: the file grows once the first bytes have passed.
        var copying = copy.RunAsync(place["large"], place["there"], pair);
        await Eventually.TrueAsync(() => pair.Written > 100_000, "it has begun");
        await File.AppendAllTextAsync(place["large"], "more", Ct);
        pair.GoOn();
        await copying;
        Assert.Equal([$"'{place["large"]}' here changed while it was copied: copy it again."], copy.Troubles);
    }

    private static async Task BreakOffAsync(Copy copy, Temporary place, long after) =>
        await Assert.ThrowsAnyAsync<IOException>(() => copy.RunAsync(place["large"], place["there"], new Pair(after)));

    [Fact]
    public async Task A_file_that_grows_meanwhile_is_copied_to_the_end_that_it_had()
    {
        using var place = await MakeAsync();
        var copy = new Copy();
        var pair = new Pair(holdAfter: 10_000_000);
        var copying = copy.RunAsync(place["large"], place["there"], pair);
        await Eventually.TrueAsync(() => pair.Written > 10_000_000, "it is on its way");
        await File.AppendAllTextAsync(place["large"], new string('x', 1_000_000), Ct);
        pair.GoOn();
        await copying;
        Assert.Equal(Size, new FileInfo(place["there/large"]).Length);
        Assert.Contains("changed while it was copied", Assert.Single(copy.Troubles), StringComparison.Ordinal);
    }

    private static async Task<Temporary> MakeAsync()
    {
        var place = new Temporary();
        var bytes = new byte[Size];
        new Random(1).NextBytes(bytes);
        await File.WriteAllBytesAsync(place["large"], bytes, Ct);
        Directory.CreateDirectory(place["there"]);
        return place;
    }

    private static string Draft(Temporary place) => place[$"there/{System.Text.Encoding.UTF8.GetString(Disk.Names.Draft("large"u8))}"];

    private static async Task AssertWholeAsync(Temporary place, int left = 0)
    {
        Assert.Equal(1 + left, Directory.GetFileSystemEntries(place["there"]).Length);
        Assert.Equal(await HashAsync(place["large"]), await HashAsync(place["there/large"]));
    }

    private static async Task<string> HashAsync(string path)
    {
        await using var file = File.OpenRead(path);
        return Convert.ToHexString(await SHA256.HashDataAsync(file, Ct));
    }
}
