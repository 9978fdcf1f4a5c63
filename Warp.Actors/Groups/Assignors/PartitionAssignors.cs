namespace Warp.Actors.Groups.Assignors;

/// <summary>The assignors that there are.</summary>
public static class PartitionAssignors
{
    private static readonly IPartitionAssignor[] s_all = [new UniformAssignor(), new RangeAssignor()];

    /// <summary>Their names.</summary>
    public static IEnumerable<string> Names => s_all.Select(static assignor => assignor.Name);

    /// <summary>The assignor of that name; there must be one.</summary>
    public static IPartitionAssignor Get(string name) => s_all.Single(assignor => assignor.Name == name);
}
