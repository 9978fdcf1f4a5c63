using Warp.Actors.Kernel;

namespace Warp.Actors.Sharding;

/// <summary>
/// An actor of which the cluster runs one: on the node that owns its row, and reached from every node through <see cref="Ref"/>. Thread-safe.
/// </summary>
public sealed class ClusterSingleton<TMessage> : IShardEntities
    where TMessage : class
{
    private readonly ActorSystem _system;
    private readonly int _shardId;
    private readonly Func<Actor<TMessage>> _create;
    private readonly ShardMailbox<TMessage> _mailbox;

    /// <param name="system">Runs it here.</param>
    /// <param name="name">Its name, and its persistence id.</param>
    /// <param name="shardId">Its row among the shards (<see cref="ShardIds"/>).</param>
    /// <param name="routes">The way to it on another node.</param>
    /// <param name="create">Makes an instance.</param>
    /// <param name="mayRepeat">Whether a message does no harm when it is handled twice.</param>
    public ClusterSingleton(
        ActorSystem system, string name, int shardId, ShardRoutes routes, Func<Actor<TMessage>> create, Func<TMessage, bool> mayRepeat)
    {
        _system = system;
        _shardId = shardId;
        _create = create;
        _mailbox = new ShardMailbox<TMessage>(system, name, shardId, routes, mayRepeat);
        Ref = new ActorRef<TMessage>(_mailbox);
    }

    /// <summary>The actor, wherever it runs.</summary>
    public ActorRef<TMessage> Ref { get; }

    /// <summary>The actor while it runs here, null otherwise.</summary>
    public ActorRef<TMessage>? Local => _mailbox.Local;

    /// <inheritdoc/>
    public Task StartAsync(IReadOnlyCollection<int> shardIds, CancellationToken cancellationToken)
    {
        if (_mailbox.Local is null && shardIds.Contains(_shardId))
            _mailbox.Local = _system.Spawn(_mailbox.Name, _create);
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public async Task StopAsync(int shardId)
    {
        if (shardId != _shardId || _mailbox.Local is not { } actor)
            return;
        _mailbox.Local = null;
        await _system.StopAsync(actor);
    }
}
