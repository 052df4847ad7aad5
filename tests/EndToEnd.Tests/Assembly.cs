using Berth.EndToEnd.Tests.House;

[assembly: Trait("Needs", "engine")]
[assembly: AssemblyFixture(typeof(Chromium))]

// Much of the time is spent waiting. What is measured (2 s until a failure shows) has the machine to itself: Alone.
[assembly: CollectionBehavior(MaxParallelThreads = 2)]
[assembly: TestCollectionOrderer(typeof(LongestFirst))]
