using Warp.Actors.Kernel;
using Warp.Protocol.Messages;

namespace Warp.Actors.Catalog;

/// <summary>
/// What the <see cref="TopicCatalog"/> can be asked. Nearly all of it changes the journal; for most readers the published image is enough.
/// </summary>
public abstract record CatalogMessage
{
    private CatalogMessage()
    {
    }

    /// <summary>Makes topics. Each one succeeds or fails by itself, and is answered once its partitions can be written.</summary>
    public sealed record CreateTopics(IReadOnlyList<NewTopic> Topics, bool ValidateOnly, Reply<IReadOnlyList<Task<TopicResult>>> Reply)
        : CatalogMessage, IAsk
    {
        public void Fail(Exception error) => Reply.Fail(error);
    }

    /// <summary>Raises the partition counts of topics.</summary>
    public sealed record CreatePartitions(string Topic, int Count, bool ValidateOnly, Reply<Task<TopicResult>> Reply) : CatalogMessage, IAsk
    {
        public void Fail(Exception error) => Reply.Fail(error);
    }

    /// <summary>Deletes a topic.</summary>
    public sealed record DeleteTopic(Guid TopicId, Reply<TopicResult> Reply) : CatalogMessage, IAsk
    {
        public void Fail(Exception error) => Reply.Fail(error);
    }

    /// <summary>Alters the configs of a topic.</summary>
    public sealed record AlterTopicConfigs(string Topic, ConfigRevision Revision, bool ValidateOnly, Reply<TopicResult> Reply)
        : CatalogMessage, IAsk
    {
        public void Fail(Exception error) => Reply.Fail(error);
    }

    /// <summary>Alters the dynamic configs of one node, or of all (<see cref="CatalogImage.AllNodes"/>).</summary>
    public sealed record AlterBrokerConfigs(int NodeId, ConfigRevision Revision, bool ValidateOnly, Reply<TopicResult> Reply)
        : CatalogMessage, IAsk
    {
        public void Fail(Exception error) => Reply.Fail(error);
    }

    /// <summary>Alters quotas. Each alteration succeeds or fails by itself; the results are in the same order.</summary>
    public sealed record AlterClientQuotas(
        IReadOnlyList<QuotaAlteration> Alterations, bool ValidateOnly, Reply<IReadOnlyList<TopicResult>> Reply) : CatalogMessage, IAsk
    {
        public void Fail(Exception error) => Reply.Fail(error);
    }

    /// <summary>Tells which nodes clients are sent to.</summary>
    public sealed record ChangeRouting(IReadOnlyList<int> NodeIds, Reply<int> Reply) : CatalogMessage, IAsk
    {
        public void Fail(Exception error) => Reply.Fail(error);
    }

    /// <summary>Reserves a block of producer ids; the answer is the first of them. They are never given out again.</summary>
    public sealed record ReserveProducerIds(int Count, Reply<long> Reply) : CatalogMessage, IAsk
    {
        public void Fail(Exception error) => Reply.Fail(error);
    }

    /// <summary>
    /// The topics and configs as their owner knows them: for those who act on a config, and not only show it, so that none acts on an old one.
    /// </summary>
    public sealed record ReadImage(Reply<CatalogImage> Reply) : CatalogMessage, IAsk
    {
        public void Fail(Exception error) => Reply.Fail(error);
    }

    /// <summary>Every sequencer has opened the topic's partitions.</summary>
    internal sealed record Opened(Guid TopicId, int PartitionCount) : CatalogMessage;

    /// <summary>Every sequencer has dropped the topic's partitions.</summary>
    internal sealed record Dropped(Guid TopicId) : CatalogMessage;
}

/// <summary>A topic to make.</summary>
/// <param name="Name">Checked by the catalog.</param>
/// <param name="Partitions">−1 for the default.</param>
/// <param name="ReplicationFactor">−1 for the default.</param>
/// <param name="Configs">A null value is refused.</param>
public sealed record NewTopic(string Name, int Partitions, short ReplicationFactor, IReadOnlyList<KeyValuePair<string, string?>> Configs);

/// <summary>What became of one topic.</summary>
/// <param name="Error">None, or Kafka's error.</param>
/// <param name="Message">Says what was wrong and what to do; a very long one is cut.</param>
/// <param name="Topic">The topic, when there is one.</param>
public sealed record TopicResult(ErrorCode Error, string? Message = null, TopicImage? Topic = null)
{
    /// <summary>
    /// A message may repeat what a client has sent, which may be as long as a string of Kafka's can be; with the words around it, it would
    /// no longer fit into one.
    /// </summary>
    private const int MaxMessageLength = 1000;

    public string? Message { get; } = Message is { Length: > MaxMessageLength } ? Cut(Message) : Message;

    private static string Cut(string message) =>
        message[..(char.IsHighSurrogate(message[MaxMessageLength - 1]) ? MaxMessageLength - 1 : MaxMessageLength)] + "…";
}
