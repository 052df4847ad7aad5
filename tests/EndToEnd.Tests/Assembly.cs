using Berth.EndToEnd.Tests.House;

[assembly: Trait("Needs", "engine")]
[assembly: AssemblyFixture(typeof(Chromium))]

// Much of the time is spent waiting. What has to show within 2 s has the machine to itself: Alone.
[assembly: CollectionBehavior(MaxParallelThreads = 2)]
[assembly: TestCollectionOrderer(typeof(LongestFirst))]
