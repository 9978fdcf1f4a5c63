using Warp.Specs.Hosting;
using Warp.Specs.Scenarios;
using Xunit;
using Xunit.Sdk;
using Xunit.v3;

[assembly: TestCollectionOrderer(typeof(LongestFirst))]

namespace Warp.Specs.Hosting;

/// <summary>Tests that take a minute or more begin before all others, so that they do not run alone at the end.</summary>
public sealed class LongestFirst : ITestCollectionOrderer
{
    private static readonly Type[] s_longest = [typeof(AgentGroupsSpec), typeof(RollingUpgradeSpec)];

    public IReadOnlyCollection<TTestCollection> OrderTestCollections<TTestCollection>(IReadOnlyCollection<TTestCollection> testCollections)
        where TTestCollection : ITestCollection =>
        [.. testCollections.OrderBy(static collection => !s_longest.Any(type => IsOf(collection, type)))];

    /// <summary>Whether it is the collection that xunit makes of a class without one.</summary>
    private static bool IsOf(ITestCollection collection, Type type) =>
        collection.TestCollectionDisplayName.StartsWith($"Test collection for {type.FullName} ", StringComparison.Ordinal);
}
