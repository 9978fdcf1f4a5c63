namespace Warp.Actors.Groups;

/// <summary>The group's coordinator does not run on this node.</summary>
/// <param name="groupId">The group.</param>
/// <param name="isLoading">Whether it is about to: this node has just taken its shard over.</param>
public sealed class NotCoordinatorException(string groupId, bool isLoading)
    : Exception($"The coordinator of the group {groupId} is {(isLoading ? "about to start on this node" : "on another node")}.")
{
    /// <summary>Whether it is about to run here.</summary>
    public bool IsLoading { get; } = isLoading;
}
