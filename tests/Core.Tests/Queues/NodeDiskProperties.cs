using Berth.Core.Queues;
using FsCheck;
using FsCheck.Fluent;
using static Berth.Core.Tests.Queues.Lab;

namespace Berth.Core.Tests.Queues;

/// <summary>Days of one machine's disk: sessions come, write, pause, resume and end; workspaces are counted now and then.</summary>
public sealed class NodeDiskProperties
{
    private const long Size = 100;

    [Fact]
    public void WhatSessionsWerePromisedAndWhatIsKeptAlwaysFitsOnTheDisk() => Holds(said: null, disk => disk.Claimed <= Size);

    [Fact]
    public void WhatSessionsWerePromisedAndWhatIsKeptAlwaysFitsInWhatIsOffered() => Holds(said: 60, disk => disk.Claimed <= 60, counted: true);

    [Fact]
    public void WhoWroteAllItWasPromisedIsTakenAgainHoweverFullTheDiskIs()
    {
        var disk = new LabDisk(null, counted: true);
        disk.Submit(80);
        disk.Round();
        disk.Write(0, 80);
        disk.Pause(0);
        disk.Submit(20);
        disk.Round();
        disk.Write(1, 20);
        disk.Resume(0);
        disk.Round();
        Assert.Equal([true, true], disk.Running);
    }

    private static void Holds(long? said, Func<LabDisk, bool> property, bool counted = false) => Prop.ForAll(Gen.Choose(1, 1_000_000).ToArbitrary(), seed =>
    {
        var random = new System.Random(seed);
        var disk = new LabDisk(said, counted);
        for (var step = 0; step < 80; step++)
        {
            disk.Do(random);
            disk.Round();
            if (!property(disk))
                return false;
        }

        // Or it would hold because nobody is ever taken.
        return disk.Taken > 0;
    }).Check(Config.QuickThrowOnFailure.WithMaxTest(200));

    /// <summary>The machine as it is; decisions see of it what is measured.</summary>
    private sealed class LabDisk(long? said, bool counted)
    {
        private readonly List<Work> _works = [];

        private sealed class Work
        {
            public required long Promised { get; init; }
            public long Written { get; set; }
            public long Counted { get; set; }
            public bool Runs { get; set; }
            public bool Waits { get; set; }
            public bool Began { get; set; }
        }

        public int Taken { get; private set; }

        /// <summary>What may be on the disk once every session that runs has written all that it may.</summary>
        public long Claimed => _works.Sum(w => w.Runs ? w.Promised : w.Written);

        public IEnumerable<bool> Running => _works.Select(w => w.Runs);

        public void Submit(long promised) => _works.Add(new Work { Promised = promised, Waits = true });

        public void Write(int work, long bytes) => Wrote(_works[work], bytes);

        public void Pause(int work) => _works[work].Runs = false;

        public void Resume(int work) => _works[work].Waits = true;

        public void Do(System.Random random)
        {
            var work = _works.Count == 0 ? null : _works[random.Next(_works.Count)];
            switch (random.Next(6))
            {
                case 0:
                    Submit(random.Next(1, 50));
                    break;
                case 1 or 2 when work is { Runs: true }:
                    Wrote(work, random.NextInt64(work.Promised - work.Written + 1));
                    break;
                case 3 when work is { Waits: false }:
                    (work.Runs, work.Waits) = (false, !work.Runs); // paused, or resumed
                    break;
                case 4 when work is { Runs: false } && random.Next(3) == 0:
                    _works.Remove(work);
                    break;
                default:
                    if (work is not null)
                        work.Counted = work.Written;
                    break;
            }
        }

        /// <summary>Measures the disk, decides, and starts who was taken.</summary>
        public void Round()
        {
            var disk = new NodeDisk(Size - _works.Sum(w => w.Written), _works.Sum(w => w.Counted), said);
            var node = Machine("lab1", cpu: 1000, memory: 1000) with
            {
                DiskBytes = disk.OfferedBytes,
                DiskWrittenBytes = disk.WrittenBytes,
                Sessions = [.. _works.Where(w => w.Runs).Select(w => new PlacedSession(Id(w), "ada", "lab", 0, Now, Now, Of(w), []))],
            };
            var plan = Decide([node], [.. _works.Where(w => w.Waits).Select(w => new WaitingSession(Id(w), "ada", "lab", 0, Now, Of(w)) { Only = w.Began ? "lab1" : null })]);
            foreach (var work in _works.Where(w => plan.NodeOf(Id(w)) is not null).ToList())
                (work.Runs, work.Waits, work.Began, Taken) = (true, false, true, Taken + 1);
        }

        private void Wrote(Work work, long bytes)
        {
            work.Written += bytes;
            if (counted)
                work.Counted = work.Written;
        }

        private string Id(Work work) => $"s{_works.IndexOf(work)}";

        private static Demand Of(Work work) => new(1, 1, 0, NodeDisk.Unwritten(work.Promised, work.Counted));
    }
}
