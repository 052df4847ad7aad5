using Berth.EndToEnd.Tests.Crashes;
using Xunit.Sdk;
using Xunit.v3;

namespace Berth.EndToEnd.Tests.House;

/// <summary>What takes minutes begins first, so that nothing has to wait for it in the end.</summary>
internal sealed class LongestFirst : ITestCollectionOrderer
{
    private static readonly string[] s_long = [nameof(CrashTests), nameof(NodeTests), nameof(TerminalPageTests), nameof(KillsUnderLoadTests)];

    public IReadOnlyCollection<TTestCollection> OrderTestCollections<TTestCollection>(IReadOnlyCollection<TTestCollection> testCollections)
        where TTestCollection : ITestCollection =>
        [.. testCollections.OrderBy(collection => Array.FindIndex(s_long, name => collection.TestCollectionDisplayName.Contains($".{name}", StringComparison.Ordinal)) is var at and >= 0 ? at : s_long.Length)];
}
