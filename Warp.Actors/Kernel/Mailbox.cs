namespace Warp.Actors.Kernel;

/// <summary>Where an <see cref="ActorRef{TMessage}"/> puts its messages: an actor of this system, or one that has to be found first.</summary>
internal abstract class Mailbox<TMessage>(ActorSystem system, string name)
    where TMessage : class
{
    public ActorSystem System { get; } = system;

    /// <summary>For logs and errors.</summary>
    public string Name { get; } = name;

    /// <summary>
    /// Whether a question that found its actor stopped is asked again: where actors move from node to node, and for questions that do no harm
    /// when they are repeated.
    /// </summary>
    public virtual bool MayAskAgain(TMessage message) => false;

    /// <inheritdoc cref="ActorRef{TMessage}.Tell"/>
    public abstract void Tell(TMessage message);

    /// <summary>Puts a message into the mailbox if there is room at once.</summary>
    public abstract bool TryTell(TMessage message);

    /// <inheritdoc cref="ActorRef{TMessage}.TellAsync"/>
    public abstract ValueTask TellAsync(TMessage message, CancellationToken cancellationToken);
}
