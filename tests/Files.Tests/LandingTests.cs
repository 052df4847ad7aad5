using System.Text;
using Berth.Files.Disk;
using Berth.Files.Tests.House;

namespace Berth.Files.Tests;

/// <summary>Things arrive where <c>cp -r</c> would put them.</summary>
public sealed class LandingTests
{
    [Theory]
    [InlineData("file", "new")]
    [InlineData("file", "folder")]
    [InlineData("file", "folder/")]
    [InlineData("file", "folder/renamed")]
    [InlineData("file", "other")]
    [InlineData("file", "to-folder")]
    [InlineData("tree", "new")]
    [InlineData("tree", "new/")]
    [InlineData("tree", "folder")]
    [InlineData("tree/", "folder/")]
    [InlineData("tree/.", "folder")]
    [InlineData("tree/.", "new")]
    [InlineData("tree/within", "folder")]
    [InlineData("./tree//within/", "folder")]
    [InlineData("file tree", "folder")]
    [InlineData("tree/x link-in-tree/y", "folder/")]
    public async Task As_cp_does(string sources, string destination)
    {
        using var ours = Make();
        using var theirs = Make();
        await new Copy().RunAsync(ours.Path, sources.Split(' '), destination);
        Temporary.Run("sh", "-c", $"cd {theirs.Path} && cp -rp -H {sources} {destination}");
        Assert.Equal(Without(Temporary.Described(theirs.Path)), Without(Temporary.Described(ours.Path)));
    }

    [Theory]
    [InlineData("made/on/the way/new", "made/on/the way/new")]
    [InlineData("made/here/", "made/here/file")]
    [InlineData("folder/renamed", "folder/renamed")]
    [InlineData("folder", "folder/file")]
    public async Task Where_it_is_asked_for_folders_on_the_way_are_made(string destination, string arrived)
    {
        using var place = Make();
        await new Copy().RunAsync(place.Path, ["file"], destination, makesFolders: true);
        Assert.Equal(File.ReadAllText(place["file"]), File.ReadAllText(place[arrived]));
    }

    [Fact]
    public async Task No_folder_is_made_below_a_file()
    {
        using var place = Make();
        var refused = await Assert.ThrowsAsync<CopyFailedException>(() => new Copy().RunAsync(place.Path, ["file"], "other/made/new", makesFolders: true));
        Assert.Equal("Nothing can be copied to 'other/made/new' there: its folder cannot be opened, it is no folder. Make it first.", refused.Message);
    }

    [Fact]
    public void A_folder_that_an_earlier_copy_made_read_only_can_be_filled()
    {
        using var place = new Temporary();
        var there = Directory.CreateDirectory(place["there"]);
        there.UnixFileMode = UnixFileMode.UserRead | UnixFileMode.UserExecute | UnixFileMode.GroupRead;
        using var folder = Folder.Open(Encoding.UTF8.GetBytes(place.Path));
        folder.MakeFolder("there"u8).Dispose();
        there.Refresh();
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.GroupRead, there.UnixFileMode);
    }

    [Theory]
    [InlineData("file", "missing/new", "Nothing can be copied to 'missing/new' there: its folder cannot be opened, it does not exist. Make it first.")]
    [InlineData("file tree", "missing", "The folder 'missing' does not exist there, and several things are to go there: make it first.")]
    [InlineData("file tree", "other", "Nothing can be copied into 'other' there: it is no folder.")]
    [InlineData("file", "other/", "Nothing can be copied into 'other/' there: it is no folder.")]
    [InlineData("file", "other/within", "Nothing can be copied to 'other/within' there: its folder cannot be opened, it is no folder. Make it first.")]
    public async Task Where_nothing_can_go_is_told_before_anything_is_sent(string sources, string destination, string why)
    {
        using var place = Make();
        var refused = await Assert.ThrowsAsync<CopyFailedException>(() => new Copy().RunAsync(place.Path, sources.Split(' '), destination));
        Assert.Equal(why, refused.Message);
    }

    [Theory]
    [InlineData("file", "missing/", "'missing/' there is no folder, and a file is to go there: leave the slash away, or make the folder first.")]
    [InlineData("tree", "other", "'other' there cannot be written: it is no folder.")]
    [InlineData("nothing", "folder", "'nothing' does not exist here.")]
    [InlineData("file/", "folder", "'file/' here cannot be read: it is no folder.")]
    public async Task What_does_not_fit_is_told_and_changes_nothing(string source, string destination, string why)
    {
        using var place = Make();
        var before = Temporary.Described(place.Path);
        var copy = new Copy();
        await copy.RunAsync(place.Path, [source], destination);
        Assert.Equal([why], copy.Troubles);
        Assert.Equal(before, Temporary.Described(place.Path));
    }

    [Fact]
    public async Task A_folder_in_the_place_of_a_file_stays()
    {
        using var place = Make();
        Directory.CreateDirectory(place["folder/file"]);
        var copy = new Copy();
        await copy.RunAsync(place.Path, ["file"], "folder");
        Assert.Equal(["'folder/file' there cannot be written: a folder of that name is there."], copy.Troubles);
        Assert.Equal([place["folder/file"]], Directory.GetFileSystemEntries(place["folder"]));
    }

    private static Temporary Make()
    {
        var place = new Temporary();
        Temporary.Run("sh", "-c", $"""
            cd {place.Path} && mkdir -p tree/within folder && echo file > file && echo other > other && echo x > tree/x && echo y > tree/y && echo z > tree/within/z
            ln -s ../file tree/link && ln -s folder to-folder && ln -s tree link-in-tree && chmod 750 tree/within && chmod 600 tree/x
            touch -d @1000000000 file other tree/x tree/y tree/within/z && touch -h -d @1000000000 tree/link && touch -d @1000000000 tree/within tree
            """);
        return place;
    }

    // When a folder was added to is not the same in two places, nor when a link was made.
    private static IEnumerable<string> Without(string[] described) =>
        described.Select(line => line.Split(' ') is var words && words[1] is "d" or "l" && words[0] is "folder" or "to-folder" or "link-in-tree" ? $"{words[0]} {words[1]}" : line);
}
