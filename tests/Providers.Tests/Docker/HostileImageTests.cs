using System.Formats.Tar;
using System.Text;
using Berth.Core.Providers;
using Berth.Core.Sessions;

namespace Berth.Providers.Tests.Docker;

/// <summary>
/// Images whose files lead elsewhere. Berth reads one file of an image, to learn who its user is, and has one folder in it
/// given to that user: neither may reach beyond the container.
/// </summary>
[Trait("Needs", "engine")]
public sealed class HostileImageTests(EngineFixture engine) : DockerTests(engine), IClassFixture<EngineFixture>
{
    private const string Line = "eve:x:4321:4321::/:/bin/sh\n";

    /// <summary>A file of the machine that would make eve somebody, were it read.</summary>
    private string OfTheMachine()
    {
        var path = Path.Combine(Engine.MakeFolder(Guid.NewGuid().ToString("N")), "passwd");
        File.WriteAllText(path, Line);
        return path;
    }

    [Theory]
    [InlineData(TarEntryType.SymbolicLink, "")]
    [InlineData(TarEntryType.SymbolicLink, "../../../../../../../..")]
    [InlineData(TarEntryType.SymbolicLink, "/proc/self/root")]
    [InlineData(TarEntryType.SymbolicLink, "/proc/1/root")]
    public async Task APasswdFileThatIsALinkLeadsToNoFileOfTheMachine(TarEntryType type, string way)
    {
        var order = await OrderAsync(new PaxTarEntry(type, "etc/passwd") { LinkName = way + OfTheMachine() });
        await RefusedAsync(order, Reason.Refused);
    }

    [Theory]
    [InlineData(TarEntryType.Fifo)]
    [InlineData(TarEntryType.Directory)]
    [InlineData(TarEntryType.CharacterDevice)]
    [InlineData(TarEntryType.BlockDevice)]
    public async Task APasswdFileThatIsNoFileIsNoneAndNothingWaitsForIt(TarEntryType type) =>
        await RefusedAsync(await OrderAsync(new PaxTarEntry(type, "etc/passwd") { Mode = (UnixFileMode)0b110_100_100 }), Reason.Refused);

    [Theory]
    [InlineData("etc/passwd")]
    [InlineData("etc/group")]
    public async Task ALinkToAPipeIsOneToo(string path)
    {
        var order = await OrderAsync(new PaxTarEntry(TarEntryType.Fifo, "pipe"), new PaxTarEntry(TarEntryType.SymbolicLink, path) { LinkName = "../../../pipe" });
        var refusal = await RefusedAsync(order, Reason.Refused);
        Assert.Contains($"the image's /{path} is a pipe", refusal.Message);
    }

    [Fact]
    public async Task AHugePasswdFileIsNotRead()
    {
        using var huge = new MemoryStream(new byte[64 << 20]);
        var order = await OrderAsync(new PaxTarEntry(TarEntryType.RegularFile, "etc/passwd") { DataStream = huge });
        var refusal = await RefusedAsync(order, Reason.Refused);
        Assert.Contains("are not read", refusal.Message);
    }

    [Theory]
    [InlineData("")]
    [InlineData("../../../../../../../../..")]
    public async Task AFolderForTheWorkspaceThatIsALinkGivesNothingOfTheMachineAway(string way)
    {
        var ours = Engine.MakeFolder(Guid.NewGuid().ToString("N"));
        var before = File.GetUnixFileMode(ours);
        using var passwd = new MemoryStream(Encoding.UTF8.GetBytes(Line));
        var order = await OrderAsync(
            new PaxTarEntry(TarEntryType.RegularFile, "etc/passwd") { DataStream = passwd, Mode = (UnixFileMode)0b110_100_100 },
            new PaxTarEntry(TarEntryType.SymbolicLink, "elsewhere") { LinkName = way + ours });
        var elsewhere = order with { Spec = order.Spec with { MountDirectory = "/elsewhere" } };

        // It may run, in its own container, or be refused: nothing outside changes.
        var refusal = await Record.ExceptionAsync(() => StartAsync(elsewhere));
        Assert.True(refusal is null or ProviderException, refusal?.ToString());
        Assert.Empty(Directory.EnumerateFileSystemEntries(ours));
        Assert.Equal(before, File.GetUnixFileMode(ours));
        Assert.Equal(Environment.IsPrivilegedProcess ? "0" : null, Environment.IsPrivilegedProcess ? await OwnerAsync(ours) : null);
    }

    private static async Task<string> OwnerAsync(string path)
    {
        using var stat = System.Diagnostics.Process.Start(new System.Diagnostics.ProcessStartInfo("stat", ["-c", "%u", path]) { UseShellExecute = false, RedirectStandardOutput = true })!;
        return (await stat.StandardOutput.ReadToEndAsync(Ct)).Trim();
    }

    /// <summary>To start an image of busybox and these files, as its user eve.</summary>
    private async Task<StartOrder> OrderAsync(params TarEntry[] entries)
    {
        using var bytes = new MemoryStream();
        await using (var tar = new TarWriter(bytes, TarEntryFormat.Pax, leaveOpen: true))
        {
            await tar.WriteEntryAsync(await Engine.BusyboxAsync(), "bin/busybox", Ct);
            foreach (var applet in (string[])["sh", "sed", "sleep"])
                await tar.WriteEntryAsync(new PaxTarEntry(TarEntryType.SymbolicLink, $"bin/{applet}") { LinkName = "busybox" }, Ct);
            foreach (var entry in entries)
                await tar.WriteEntryAsync(entry, Ct);
        }

        var name = Engine.ImageName("hostile-" + Guid.NewGuid().ToString("N")[..8]);
        using var body = new ByteArrayContent(bytes.ToArray());
        await Engine.CallAsync(HttpMethod.Post, $"/images/create?fromSrc=-&repo={name}&changes={Uri.EscapeDataString("USER eve")}", body);
        Engine.RemoveInTheEnd(name);
        return Order("stay", spec => spec with { Image = name });
    }
}
