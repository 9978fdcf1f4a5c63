using Warp.Actors.Kernel;

namespace Warp.Actors.Sharding;

/// <summary>
/// The mailbox of an entity that moves with its shard: messages go to its actor here, or to the node that owns the shard, or wait for a
/// moment until somebody does. Thread-safe.
/// </summary>
/// <param name="system">Clock and scheduler.</param>
/// <param name="name">The entity's.</param>
/// <param name="shardId">Its shard.</param>
/// <param name="routes">The ways to shards.</param>
/// <param name="mayRepeat">Whether a message does no harm when it is handled twice.</param>
internal sealed class ShardMailbox<TMessage>(
    ActorSystem system, string name, int shardId, ShardRoutes routes, Func<TMessage, bool> mayRepeat) : Mailbox<TMessage>(system, name)
    where TMessage : class
{
    /// <summary>
    /// How long a message waits for an owner before its sender hears that there is none: longer than a hand-over takes, shorter than clients
    /// wait.
    /// </summary>
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(5);

    private ActorRef<TMessage>? _local;

    /// <summary>The actor, while this node owns the shard.</summary>
    public ActorRef<TMessage>? Local
    {
        get => Volatile.Read(ref _local);
        set => Volatile.Write(ref _local, value);
    }

    public override bool MayAskAgain(TMessage message) => mayRepeat(message);

    public override void Tell(TMessage message)
    {
        if (Local is { } local)
            local.Tell(message);
        else
            _ = RouteAsync(message);
    }

    public override bool TryTell(TMessage message)
    {
        if (Local is { } local)
            return local.Mailbox.TryTell(message);
        // What is under way to another node is bounded by its connection, and whoever asks waits for the answer anyway.
        _ = RouteAsync(message);
        return true;
    }

    public override ValueTask TellAsync(TMessage message, CancellationToken cancellationToken)
    {
        if (Local is { } local)
            return local.TellAsync(message, cancellationToken);
        _ = RouteAsync(message);
        return ValueTask.CompletedTask;
    }

    private async Task RouteAsync(TMessage message)
    {
        ShardHome home = routes.Homes[shardId];
        if (home.Owner is null)
        {
            using var late = new CancellationTokenSource(s_patience, System.Time);
            using var giveUp = CancellationTokenSource.CreateLinkedTokenSource(late.Token, System.Stopping);
            try
            {
                home = await routes.Homes.WaitForOwnerAsync(shardId, giveUp.Token);
            }
            catch (OperationCanceledException)
            {
                Fail(message);
                return;
            }
        }
        if (Local is { } local)
        {
            local.Tell(message);
        }
        else if (home.Owner is not { } owner || owner == routes.Self)
        {
            // It is about to start here, or has just left.
            Fail(message);
        }
        else
        {
            Delivery delivery = await routes.Transport.DeliverAsync(owner, shardId, message);
            if (delivery == Delivery.Handled)
                return;
            if (delivery != Delivery.Unknown)
                routes.Doubt(shardId, home);
            Fail(message);
        }
    }

    private void Fail(TMessage message) => (message as IAsk)?.Fail(new ActorStoppedException(Name));
}
