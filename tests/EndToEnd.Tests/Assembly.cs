using Berth.EndToEnd.Tests.House;

[assembly: Trait("Needs", "engine")]
[assembly: AssemblyFixture(typeof(Chromium))]

// What is measured here (2 s until a failure shows) is measured on a machine that does nothing else.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
