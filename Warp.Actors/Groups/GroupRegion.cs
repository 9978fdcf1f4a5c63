using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.Logging;
using Warp.Actors.Catalog;
using Warp.Actors.Kernel;
using Warp.Actors.Persistence;
using Warp.Actors.Sharding;

namespace Warp.Actors.Groups;

/// <summary>
/// Where a message for a group is sent: it knows the journaled groups of the shards that this node owns, and starts the coordinator of a new
/// one when somebody makes it. Groups of other shards have their coordinator on another node, where clients go by themselves, or their requests
/// are passed on to. Thread-safe.
/// </summary>
/// <param name="system">Runs the coordinators.</param>
/// <param name="services">Journal and leases.</param>
/// <param name="shardCount">The cluster's.</param>
/// <param name="catalog">Groups wait until it is published: they drop the offsets of topics that are not in it.</param>
/// <param name="homes">Where the other shards are.</param>
public sealed class GroupRegion(
    ActorSystem system, PersistenceServices services, int shardCount, PublishedCatalog catalog, ShardHomes homes) : IShardEntities
{
    private readonly ConcurrentDictionary<int, ShardGroups> _shards = new();
    private Task _loading = Task.CompletedTask;
    private int _draining;

    /// <summary>The ids of all groups that have a coordinator here. Some may have been deleted.</summary>
    public IEnumerable<string> GroupIds => _shards.Values.SelectMany(static shard => shard.Ids);

    /// <summary>The nodes that have groups, or may have, as far as this one has heard.</summary>
    public IEnumerable<NodeIncarnation> Owners =>
        Enumerable.Range(0, shardCount).Select(shardId => homes[shardId].Owner).OfType<NodeIncarnation>().Distinct();

    /// <summary>Ends when the groups of all shards that were started so far have been found.</summary>
    public Task Loading => Volatile.Read(ref _loading);

    /// <summary>Where a group's coordinator is; without owner while nobody knows.</summary>
    public ShardHome HomeOf(string groupId) => homes[EntityHash.ShardOf(groupId, shardCount)];

    /// <summary>The coordinator of a group, or null when there never was such a group.</summary>
    /// <exception cref="NotCoordinatorException">It would not be here.</exception>
    public ActorRef<GroupMessage>? Find(string groupId) => ShardOf(groupId).Find(groupId);

    /// <summary>Sends a command to a group. One that cannot make a group is answered at once where there is none.</summary>
    /// <exception cref="NotCoordinatorException">The group's coordinator is not here.</exception>
    /// <exception cref="ActorStoppedException">The coordinator stopped; whether it acted is not known.</exception>
    /// <exception cref="JournalException">The journal refused the change: it has not happened.</exception>
    public async Task<GroupAnswer> RunAsync(string groupId, GroupCommand command, CancellationToken cancellationToken)
    {
        ShardGroups shard = ShardOf(groupId);
        ActorRef<GroupMessage>? group = shard.Find(groupId);
        if (group is null && command.MayCreate && !shard.TryGetOrStart(groupId, () => Spawn(groupId, shard.ShardId), out group))
            throw new NotCoordinatorException(groupId, isLoading: false);
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
        foreach (ActorRef<GroupMessage> group in _shards.Values.SelectMany(static shard => shard.Coordinators))
            group.Tell(new GroupMessage.Drain());
    }

    /// <summary>Takes up the groups of shards. They are found, and started, by and by: <see cref="Loading"/>.</summary>
    public Task StartAsync(IReadOnlyCollection<int> shardIds, CancellationToken cancellationToken)
    {
        var starting = new Dictionary<int, ShardGroups>();
        foreach (int shardId in shardIds.Where(shardId => shardId < shardCount))
        {
            var shard = new ShardGroups(shardId);
            if (_shards.TryAdd(shardId, shard))
                starting.Add(shardId, shard);
        }
        if (starting.Count > 0)
            Volatile.Write(ref _loading, Task.WhenAll(Loading, LoadAsync(starting)));
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public async Task StopAsync(int shardId)
    {
        if (_shards.TryRemove(shardId, out ShardGroups? shard))
            await Task.WhenAll(shard.End().Select(system.StopAsync));
    }

    private static GroupAnswer AnswerWithoutGroup(GroupCommand command)
    {
        var context = new GroupContext(default, new GroupSettings(), CatalogImage.Empty(ImmutableSortedDictionary<string, string>.Empty));
        GroupState none = GroupState.Recover(GroupImage.None, context);
        return GroupRules.Decide(none, command, 0, context).Answers[0].Value;
    }

    private async Task LoadAsync(Dictionary<int, ShardGroups> starting)
    {
        var backoff = new Backoff(TimeSpan.FromMilliseconds(50), TimeSpan.FromSeconds(5), system.CreateRandom());
        while (true)
        {
            try
            {
                await catalog.WaitForAsync(0, system.Stopping);
                foreach (string id in await services.Journal.ListPersistenceIdsAsync(GroupCoordinator.PersistenceIdPrefix, system.Stopping))
                {
                    string groupId = id[GroupCoordinator.PersistenceIdPrefix.Length..];
                    if (starting.TryGetValue(EntityHash.ShardOf(groupId, shardCount), out ShardGroups? shard))
                        shard.TryGetOrStart(groupId, () => Spawn(groupId, shard.ShardId), out _);
                }
                foreach (ShardGroups shard in starting.Values)
                    shard.IsLoaded = true;
                return;
            }
            catch (Exception) when (system.Stopping.IsCancellationRequested)
            {
                return;
            }
            catch (Exception error)
            {
                system.Loggers.CreateLogger("groups").LogWarning("The groups could not be found ({Error}); trying again", error.Message);
                await Task.Delay(backoff.Next(), system.Time, CancellationToken.None);
            }
        }
    }

    private ShardGroups ShardOf(string groupId)
    {
        int shardId = EntityHash.ShardOf(groupId, shardCount);
        if (!_shards.TryGetValue(shardId, out ShardGroups? shard))
            throw new NotCoordinatorException(groupId, isLoading: homes[shardId].Owner == services.Leases.Node);
        return shard.IsLoaded ? shard : throw new NotCoordinatorException(groupId, isLoading: true);
    }

    private ActorRef<GroupMessage> Spawn(string groupId, int shardId)
    {
        ActorRef<GroupMessage> group = system.Spawn(
            GroupCoordinator.PersistenceIdPrefix + groupId, () => new GroupCoordinator(services, groupId, shardId, catalog));
        if (Volatile.Read(ref _draining) != 0)
            group.Tell(new GroupMessage.Drain());
        return group;
    }

    /// <summary>The groups of one shard. Thread-safe.</summary>
    private sealed class ShardGroups(int shardId)
    {
        private readonly Lock _gate = new();
        private readonly Dictionary<string, ActorRef<GroupMessage>> _groups = new(StringComparer.Ordinal);
        private volatile bool _isLoaded;
        private bool _ended;

        public int ShardId { get; } = shardId;

        /// <summary>Whether all groups that have been journaled are among them.</summary>
        public bool IsLoaded
        {
            get => _isLoaded;
            set => _isLoaded = value;
        }

        public string[] Ids
        {
            get
            {
                lock (_gate)
                    return [.. _groups.Keys];
            }
        }

        public ActorRef<GroupMessage>[] Coordinators
        {
            get
            {
                lock (_gate)
                    return [.. _groups.Values];
            }
        }

        public ActorRef<GroupMessage>? Find(string groupId)
        {
            lock (_gate)
                return _groups.GetValueOrDefault(groupId);
        }

        /// <summary>Not once the shard is given up: what would be started then would never be stopped.</summary>
        public bool TryGetOrStart(
            string groupId, Func<ActorRef<GroupMessage>> start, [NotNullWhen(true)] out ActorRef<GroupMessage>? group)
        {
            lock (_gate)
            {
                if (!_groups.TryGetValue(groupId, out group) && !_ended)
                    _groups.Add(groupId, group = start());
                return group is not null;
            }
        }

        /// <summary>Starts no more, and tells which there are to be stopped.</summary>
        public ActorRef<GroupMessage>[] End()
        {
            lock (_gate)
            {
                _ended = true;
                return [.. _groups.Values];
            }
        }
    }
}
