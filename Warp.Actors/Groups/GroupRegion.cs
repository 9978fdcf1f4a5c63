using System.Collections.Concurrent;
using System.Collections.Immutable;
using Warp.Actors.Catalog;
using Warp.Actors.Kernel;
using Warp.Actors.Persistence;
using Warp.Actors.Sharding;

namespace Warp.Actors.Groups;

/// <summary>
/// Where a message for a group is sent: it knows every group that has been journaled, and starts the coordinator of a new one when
/// somebody makes it. Here every shard is this node's own. Thread-safe.
/// </summary>
public sealed class GroupRegion
{
    private readonly ActorSystem _system;
    private readonly PersistenceServices _services;
    private readonly int _shardCount;
    private readonly PublishedCatalog _catalog;
    private readonly ConcurrentDictionary<string, Lazy<ActorRef<GroupMessage>>> _groups = new(StringComparer.Ordinal);
    private int _draining;

    private GroupRegion(ActorSystem system, PersistenceServices services, int shardCount, PublishedCatalog catalog)
    {
        _system = system;
        _services = services;
        _shardCount = shardCount;
        _catalog = catalog;
    }

    /// <summary>Finds the journaled groups and starts their coordinators, which recover by themselves.</summary>
    /// <param name="system">Runs them.</param>
    /// <param name="services">Journal and leases.</param>
    /// <param name="shardCount">The cluster's.</param>
    /// <param name="catalog">Must have been published: a group drops the offsets of topics that are not in it.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public static async Task<GroupRegion> StartAsync(
        ActorSystem system, PersistenceServices services, int shardCount, PublishedCatalog catalog, CancellationToken cancellationToken)
    {
        var region = new GroupRegion(system, services, shardCount, catalog);
        foreach (string id in await services.Journal.ListPersistenceIdsAsync(GroupCoordinator.PersistenceIdPrefix, cancellationToken))
            region.GetOrStart(id[GroupCoordinator.PersistenceIdPrefix.Length..]);
        return region;
    }

    /// <summary>The ids of all groups that have a coordinator. Some may have been deleted.</summary>
    public IEnumerable<string> GroupIds => _groups.Keys;

    /// <summary>The coordinator of a group, or null when there never was such a group.</summary>
    public ActorRef<GroupMessage>? Find(string groupId) => _groups.GetValueOrDefault(groupId)?.Value;

    /// <summary>Sends a command to a group. One that cannot make a group is answered at once where there is none.</summary>
    /// <exception cref="ActorStoppedException">The coordinator stopped; whether it acted is not known.</exception>
    /// <exception cref="JournalException">The journal refused the change: it has not happened.</exception>
    public async Task<GroupAnswer> RunAsync(string groupId, GroupCommand command, CancellationToken cancellationToken)
    {
        ActorRef<GroupMessage>? group = command.MayCreate ? GetOrStart(groupId) : Find(groupId);
        if (group is null)
            return AnswerWithoutGroup(command);
        return await group.AskAsync<GroupAnswer>(
            reply => new GroupMessage.Run(command, reply), Timeout.InfiniteTimeSpan, cancellationToken);
    }

    /// <summary>Lets go of all who wait for a rebalance, now and from now on: the node stops. Safe to repeat.</summary>
    public void Drain()
    {
        if (Interlocked.Exchange(ref _draining, 1) != 0)
            return;
        foreach (Lazy<ActorRef<GroupMessage>> group in _groups.Values)
            group.Value.Tell(new GroupMessage.Drain());
    }

    private static GroupAnswer AnswerWithoutGroup(GroupCommand command)
    {
        var context = new GroupContext(default, new GroupSettings(), CatalogImage.Empty(ImmutableSortedDictionary<string, string>.Empty));
        GroupState none = GroupState.Recover(GroupImage.None, context);
        return GroupRules.Decide(none, command, 0, context).Answers[0].Value;
    }

    private ActorRef<GroupMessage> GetOrStart(string groupId) => _groups.GetOrAdd(groupId, id => new Lazy<ActorRef<GroupMessage>>(() =>
    {
        int shardId = EntityHash.ShardOf(id, _shardCount);
        ActorRef<GroupMessage> group = _system.Spawn(
            GroupCoordinator.PersistenceIdPrefix + id, () => new GroupCoordinator(_services, id, shardId, _catalog));
        if (Volatile.Read(ref _draining) != 0)
            group.Tell(new GroupMessage.Drain());
        return group;
    })).Value;
}
