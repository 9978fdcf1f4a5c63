using Warp.Actors.Persistence;

namespace Warp.Actors.Sharding;

/// <summary>Brings messages for the entities of a shard to the node that owns it.</summary>
public interface IShardTransport
{
    /// <summary>
    /// Delivers a message to another node, and its answer to whoever asked. Never throws: what goes wrong is the outcome, and the message has
    /// not been failed then.
    /// </summary>
    /// <param name="owner">The node.</param>
    /// <param name="shardId">The shard that it is thought to own.</param>
    /// <param name="message">The message.</param>
    Task<Delivery> DeliverAsync<TMessage>(NodeIncarnation owner, int shardId, TMessage message)
        where TMessage : class;
}

/// <summary>What became of a message to another node.</summary>
public enum Delivery
{
    /// <summary>It was handled: its answer, or its failure, is with the one who asked.</summary>
    Handled,

    /// <summary>The node does not own the shard; nothing was done.</summary>
    NotOwner,

    /// <summary>The node was not reached; nothing was done.</summary>
    NotSent,

    /// <summary>It was sent and has no answer: whether something was done is not known.</summary>
    Unknown,
}
