namespace Berth.EndToEnd.Tests.House;

/// <summary>Tests that hold Berth to a time as short as 2 s: nothing else runs beside them.</summary>
[CollectionDefinition(nameof(Alone), DisableParallelization = true)]
public sealed class Alone;
