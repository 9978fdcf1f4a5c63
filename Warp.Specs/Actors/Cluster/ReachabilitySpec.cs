using Warp.Actors.Cluster;
using Xunit;

namespace Warp.Specs.Actors.Cluster;

public sealed class ReachabilitySpec
{
    [Theory]
    [InlineData("1: 2: 3:", "")]
    [InlineData("1:", "")]
    [InlineData("1:2 2:1", "2")]
    [InlineData("1: 2:1 3:", "2")]
    [InlineData("1: 2:1,3 3:2", "2")]
    [InlineData("1:2,3 2: 3:", "1")]
    [InlineData("1:3,4,5 2:3,4,5 3: 4: 5:", "1 2")]
    [InlineData("1:3,4 2:3,4 3:1,2 4:1,2", "3 4")]
    [InlineData("1:3,4,5 2: 3: 4: 5:", "1")]
    public void The_nodes_with_the_most_broken_ways_stand_aside(string nodes, string isolated)
    {
        var unreached = nodes.Split(' ').Select(static node => node.Split(':')).ToDictionary(
            static node => int.Parse(node[0]),
            static node => (IReadOnlyCollection<int>)[.. node[1].Split(',', StringSplitOptions.RemoveEmptyEntries).Select(int.Parse)]);
        Assert.Equal(isolated, string.Join(' ', Reachability.Isolated(unreached).Order()));
    }

    [Fact]
    public void Nodes_that_are_gone_do_not_count() =>
        Assert.Empty(Reachability.Isolated(new Dictionary<int, IReadOnlyCollection<int>> { [1] = [7], [2] = [7] }));
}
