using Berth.Files.Tests.House;

namespace Berth.Files.Tests;

/// <summary>What was told to be copied is there after the power is back: a real file system on a disk that is cut off.</summary>
public sealed class PowerCutTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(16)]
    [InlineData(17)]
    [InlineData(1000)]
    public async Task What_was_copied_is_there_after_a_power_cut(int files)
    {
        using var place = new Temporary();
        using var disk = LoopDisk.TryMake(place);
        Assert.SkipWhen(disk is null, "This user may not mount.");
        Temporary.Run("sh", "-c", $"mkdir -p {place["tree/sub"]} && cd {place["tree/sub"]} && for f in $(seq {files}); do echo $f > $f; done && ln -s 1 link");
        await new Copy().RunAsync(place["tree"], disk.Folder + "/copy");

        using var after = disk.AfterAPowerCut();
        Assert.Equal(Temporary.Described(place["tree"]), Temporary.Described(after.Folder + "/copy"));
    }
}
