using Berth.Core.Queues;

namespace Berth.Core.Tests.Queues;

public sealed class GpuReportTests
{
    private const string First = "GPU-11111111-2222-3333-4444-555555555555";
    private const string Second = "GPU-66666666-7777-8888-9999-000000000000";

    private const string TwoGpus = $"""
        0, {First}, NVIDIA A100-SXM4-80GB, 81920, 4, 0
        1, {Second}, NVIDIA A100-SXM4-80GB, 81920, 4, 0

        """;

    private static readonly HashSet<int> NobodyOfOurs = [];

    [Fact]
    public void GpusAndTheirProcessesAreRead()
    {
        var report = GpuReport.Parse(TwoGpus.ReplaceLineEndings("\r\n"), $"{Second}, 4711, 10240\n{Second}, 4712, [N/A]\n");
        Assert.Equal(new Gpu(0, First, "NVIDIA A100-SXM4-80GB", 81920, 4, 0), report.Gpus[0]);
        Assert.Equal([new(Second, 4711, 10240), new(Second, 4712, null)], report.Processes);
        Assert.True(report.ProcessesKnown);
        Assert.Empty(report.NotUnderstood);
    }

    [Fact]
    public void AGpuThatSomebodyElseUsesIsNotFree()
    {
        var report = GpuReport.Parse(TwoGpus, $"{Second}, 4711, 10240\n");
        Assert.Equal([Second], report.NotFree([First, Second], NobodyOfOurs));
        Assert.Empty(report.NotFree([First, Second], new HashSet<int> { 4711 }));
    }

    [Fact]
    public void AGpuThatIsSharedWithSomebodyElseIsNotFree() =>
        Assert.Equal([First], GpuReport.Parse(TwoGpus, $"{First}, 1, 10\n{First}, 2, 10\n").NotFree([First], new HashSet<int> { 1 }));

    [Theory]
    [InlineData("81920, 40000, 0")] // a process that is not told, such as one in a virtual machine
    [InlineData("81920, 4, 97")]
    [InlineData("[N/A], [N/A], 97")]
    [InlineData("[N/A], [N/A], [N/A]")]
    [InlineData("[Not Supported], [Not Supported], [Not Supported]")]
    [InlineData("[Unknown Error], 4, [GPU requires reset]")]
    public void AGpuThatWorksOrDoesNotTellIsNotFree(string rest) =>
        Assert.Equal([First], GpuReport.Parse($"0, {First}, NVIDIA T4, {rest}", "").NotFree([First], NobodyOfOurs));

    [Theory]
    [InlineData("[N/A], [N/A], 0")] // memory that is shared with the processor's is not told
    [InlineData("15360, 3, [Not Supported]")]
    public void OneOfBothIsEnoughToTellAnIdleGpu(string rest) =>
        Assert.Empty(GpuReport.Parse($"0, {First}, NVIDIA T4, {rest}", "").NotFree([First], NobodyOfOurs));

    [Theory]
    [InlineData(null)]
    [InlineData("NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.")]
    [InlineData("NVIDIA-SMI ist fehlgeschlagen, weil keine Verbindung zum Treiber möglich war.")]
    [InlineData("[N/A], [N/A], [N/A]")]
    [InlineData(First + ", [Insufficient Permissions], 300")]
    [InlineData(First + ", 47")]
    [InlineData("GPU-somewhere-else, 4711, 300")]
    public void WhereProcessesAreNotToldNoGpuIsFree(string? processes)
    {
        var report = GpuReport.Parse(TwoGpus, processes);
        Assert.False(report.ProcessesKnown);
        Assert.Equal(2, report.NotFree([First, Second], NobodyOfOurs).Count);
    }

    [Theory]
    [InlineData(null, 0)]
    [InlineData("", 0)]
    [InlineData("No devices were found", 0)]
    [InlineData("Unable to determine the device handle for GPU0000:01:00.0: Unknown Error\n1, " + Second + ", NVIDIA T4, 15360, 3, 0", 1)]
    [InlineData("0, " + First + ", NVIDIA T4\n1, " + Second + ", NVIDIA T4, 15360, 3, 0", 1)]
    [InlineData("-1, " + First + ", NVIDIA T4, 15360, 3, 0\n1, " + Second + ", NVIDIA T4, 15360, 3, 0", 1)]
    public void AnOfferedGpuThatIsNotReportedIsNotFree(string? gpus, int reported)
    {
        var report = GpuReport.Parse(gpus, "");
        Assert.Equal(reported, report.Gpus.Count);
        Assert.Contains(First, report.NotFree([First], NobodyOfOurs));
        Assert.Equal(reported == 0, report.NotFree([Second], NobodyOfOurs).Contains(Second));
    }

    [Fact]
    public void WhatIsNotUnderstoodIsKeptToBeShown() =>
        Assert.Equal(["No devices were found"], GpuReport.Parse("No devices were found\n", "").NotUnderstood);

    [Fact]
    public void GpusMayBeOfferedByNumber() =>
        Assert.Equal(["1", "7"], GpuReport.Parse(TwoGpus, $"{Second}, 4711, 10240").NotFree(["0", "1", "7"], NobodyOfOurs).Order());

    [Fact]
    public void ANameMayHoldACommaAndNumbersAreSane()
    {
        var report = GpuReport.Parse($"0, {First}, Quadro, special, 99999999999999999999, 3, 101", "");
        Assert.Equal(new Gpu(0, First, "Quadro, special", null, 3, null), Assert.Single(report.Gpus));
    }
}
