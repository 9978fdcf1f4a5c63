using System.Collections.Immutable;
using Warp.Actors.Kernel;
using Warp.Actors.Persistence;
using Warp.Actors.Sharding;
using Warp.Protocol.Messages;

namespace Warp.Actors.Catalog;

/// <summary>
/// The cluster singleton that owns the topics, their configs, the quotas, the routing generation and the producer ids. It publishes each journaled
/// version as a <see cref="CatalogImage"/>. A topic is shown once every sequencer has opened its partitions, and a deletion is repeated
/// until every sequencer has confirmed it.
/// </summary>
public sealed class TopicCatalog : PersistentActor<CatalogMessage>
{
    public const string Name = "catalog";

    /// <summary>How soon a write that the journal refused (a full disk, for one) is tried again.</summary>
    private static readonly TimeSpan s_refusedPause = TimeSpan.FromSeconds(1);

    private static readonly EventCodec s_codec = new(EventSpecs.All);

    private readonly PublishedCatalog _published;
    private readonly PartitionOpener _opener;
    private readonly Random _random;
    private readonly Dictionary<Guid, List<Reply<TopicResult>>> _waitingForOpen = [];
    private CatalogImage _image;

    public TopicCatalog(PersistenceServices services, PublishedCatalog published, PartitionOpener opener, Random random)
        : base(services, s_codec, Name, ShardIds.Catalog)
    {
        _published = published;
        _opener = opener;
        _random = random;
        _image = CatalogImage.Empty(published.StaticConfigs);
    }

    private DateTimeOffset Now => Services.Leases.Clock.Now;

    /// <summary>Whether a message does no harm when it is handled twice: not what makes or alters something, since a second time may be an error.</summary>
    public static bool MayRepeat(CatalogMessage message) =>
        message is CatalogMessage.ReadImage or CatalogMessage.ReserveProducerIds or CatalogMessage.ChangeRouting;

    protected internal override ValueTask StopAsync()
    {
        foreach (Reply<TopicResult> reply in _waitingForOpen.Values.SelectMany(static list => list))
            reply.Fail(new ActorStoppedException(Name));
        return base.StopAsync();
    }

    protected override bool IsCommand(CatalogMessage message) => true;

    protected override void Apply(IEvent @event) => _image = _image.Apply(@event);

    protected override ReadOnlyMemory<byte> TakeSnapshot() =>
        EventCodec.EncodeSnapshot(_image.ToSnapshot(), Math.Min(CatalogSnapshot.HighestVersion, Services.HighestVersion));

    protected override void RestoreSnapshot(ReadOnlyMemory<byte> snapshot) =>
        _image = _image.Restore(EventCodec.DecodeSnapshot(PersistenceId, snapshot, CatalogSnapshot.HighestVersion, CatalogSnapshot.Read));

    protected override void Recovered()
    {
        _published.Publish(_image, SequenceNr, []);
        foreach (TopicImage topic in _image.ById.Values)
        {
            if (topic.IsDeleted)
                Drop(topic);
            else if (topic.OpenPartitionCount < topic.PartitionCount)
                Open(topic);
        }
    }

    protected override void Handle(CatalogMessage message)
    {
        switch (message)
        {
            case CatalogMessage.CreateTopics create:
                Create(create);
                break;
            case CatalogMessage.CreatePartitions grow:
                Grow(grow);
                break;
            case CatalogMessage.DeleteTopic delete:
                Delete(delete);
                break;
            case CatalogMessage.AlterTopicConfigs alter:
                Alter(alter);
                break;
            case CatalogMessage.AlterBrokerConfigs alter:
                Alter(alter);
                break;
            case CatalogMessage.AlterClientQuotas alter:
                Alter(alter);
                break;
            case CatalogMessage.ChangeRouting change:
                ChangeRouting(change);
                break;
            case CatalogMessage.ReserveProducerIds reserve:
                long first = _image.NextProducerId;
                Write(reserve, [new ProducerIdsReserved { NextProducerId = first + reserve.Count }], () => reserve.Reply.Set(first));
                break;
            case CatalogMessage.ReadImage read:
                WhenOwner(prove: false, () => read.Reply.Set(_image), read);
                break;
            case CatalogMessage.Opened opened:
                Opened(opened);
                break;
            case CatalogMessage.Dropped dropped:
                Dropped(dropped);
                break;
        }
    }

    /// <summary>A sequencer that was slow may confirm what has changed since, or what another round has confirmed.</summary>
    private void Opened(CatalogMessage.Opened opened)
    {
        if (!_image.ById.TryGetValue(opened.TopicId, out TopicImage? topic) || topic.IsDeleted || opened.PartitionCount <= topic.OpenPartitionCount)
            return;
        WriteUntilAccepted(
            opened, new TopicOpened { TopicId = opened.TopicId, PartitionCount = opened.PartitionCount }, () => AnswerOpened(opened.TopicId));
    }

    private void Dropped(CatalogMessage.Dropped dropped)
    {
        if (_image.ById.ContainsKey(dropped.TopicId))
            WriteUntilAccepted(dropped, new TopicDeletionFinished { TopicId = dropped.TopicId }, static () => { });
    }

    private void Create(CatalogMessage.CreateTopics create)
    {
        if (CatalogRules.PartitionsOf(_image, create.Topics) > CatalogRules.MaxPartitionsOfRequest)
        {
            create.Reply.Set([.. create.Topics.Select(static _ => Task.FromResult(CatalogRules.TooManyPartitions))]);
            return;
        }
        CatalogImage draft = _image;
        var events = new List<IEvent>();
        var results = new List<Func<Task<TopicResult>>>();
        foreach (NewTopic wanted in create.Topics)
        {
            (TopicCreated? created, TopicResult result) = CatalogRules.Create(draft, wanted, NewId(), Now);
            if (created is null || create.ValidateOnly)
            {
                results.Add(() => Task.FromResult(result));
                continue;
            }
            draft = draft.Apply(created);
            events.Add(created);
            results.Add(() => WhenOpened(created.TopicId));
        }
        if (events.Count == 0)
            WhenOwner(prove: false, Answer, create);
        else
            Write(create, events, Created);

        void Created()
        {
            foreach (TopicCreated created in events.Cast<TopicCreated>())
                Open(_image.ById[created.TopicId]);
            Answer();
        }

        void Answer() => create.Reply.Set([.. results.Select(static result => result())]);
    }

    private void Grow(CatalogMessage.CreatePartitions grow)
    {
        TopicResult result = CatalogRules.Grow(_image, grow.Topic, grow.Count);
        if (result.Error != ErrorCode.None || grow.ValidateOnly)
        {
            WhenOwner(prove: false, () => grow.Reply.Set(Task.FromResult(result)), grow);
            return;
        }
        Guid topicId = result.Topic!.Id;
        Write(grow, [new PartitionsAdded { TopicId = topicId, PartitionCount = grow.Count }], () =>
        {
            Open(_image.ById[topicId]);
            grow.Reply.Set(WhenOpened(topicId));
        });
    }

    private void Delete(CatalogMessage.DeleteTopic delete)
    {
        if (!_image.ById.TryGetValue(delete.TopicId, out TopicImage? topic) || topic.IsDeleted)
        {
            WhenOwner(prove: false, () => delete.Reply.Set(new TopicResult(ErrorCode.UnknownTopicOrPartition, "There is no such topic.")), delete);
            return;
        }
        Write(delete, [new TopicDeleted { Time = Now.ToUnixTimeMilliseconds(), TopicId = topic.Id }], () =>
        {
            Drop(topic);
            AnswerOpened(topic.Id);
            delete.Reply.Set(new TopicResult(ErrorCode.None, null, topic));
        });
    }

    private void Alter(CatalogMessage.AlterTopicConfigs alter)
    {
        if (_image.Find(alter.Topic) is not { } topic)
        {
            Unchanged(new TopicResult(ErrorCode.UnknownTopicOrPartition, $"There is no topic '{alter.Topic}'."));
            return;
        }
        ConfigChange change = alter.Revision.OfTopic(topic.Overrides, _image.BrokerConfigsOf(CatalogImage.AllNodes));
        if (change.Values is null || alter.ValidateOnly)
        {
            Unchanged(new TopicResult(change.ErrorCode, change.ErrorMessage, topic));
            return;
        }
        var changed = new TopicConfigsChanged
        {
            TopicId = topic.Id,
            Configs = [.. change.Values.Select(static c => new TopicConfigsChanged.TopicConfigsChangedConfig { Name = c.Key, Value = c.Value })],
        };
        Write(alter, [changed], () => alter.Reply.Set(new TopicResult(ErrorCode.None, null, _image.ById[topic.Id])));

        void Unchanged(TopicResult result) => WhenOwner(prove: false, () => alter.Reply.Set(result), alter);
    }

    private void Alter(CatalogMessage.AlterBrokerConfigs alter)
    {
        ConfigChange change = alter.Revision.OfBroker(
            _image.BrokerConfigs.GetValueOrDefault(alter.NodeId, ImmutableSortedDictionary<string, string>.Empty));
        if (change.Values is null || alter.ValidateOnly)
        {
            WhenOwner(prove: false, () => alter.Reply.Set(new TopicResult(change.ErrorCode, change.ErrorMessage)), alter);
            return;
        }
        var changed = new BrokerConfigsChanged
        {
            NodeId = alter.NodeId,
            Configs = [.. change.Values.Select(static c => new BrokerConfigsChanged.BrokerConfigsChangedConfig { Name = c.Key, Value = c.Value })],
        };
        Write(alter, [changed], () => alter.Reply.Set(new TopicResult(ErrorCode.None)));
    }

    private void Alter(CatalogMessage.AlterClientQuotas alter)
    {
        var (events, results) = ClientQuotaRules.Alter(_image.Quotas, alter.Alterations);
        if (events.Count == 0 || alter.ValidateOnly)
            alter.Reply.Set(results);
        else
            Write(alter, events, () => alter.Reply.Set(results));
    }

    private void ChangeRouting(CatalogMessage.ChangeRouting change)
    {
        if (_image.RoutingNodeIds.AsSpan().SequenceEqual(change.NodeIds.ToArray()))
        {
            WhenOwner(prove: false, () => change.Reply.Set(_image.RoutingGeneration), change);
            return;
        }
        var routing = new RoutingChanged { Generation = _image.RoutingGeneration + 1, NodeIds = [.. change.NodeIds] };
        Write(change, [routing], () => change.Reply.Set(_image.RoutingGeneration));
    }

    /// <summary>Journals events and publishes the image before anything is answered. A refusal fails the question: its asker may repeat it.</summary>
    private void Write<T>(T message, IReadOnlyList<IEvent> events, Action then)
        where T : CatalogMessage, IAsk =>
        Write(message, events, then, result => message.Fail(new JournalException($"The journal refused the change: {result.Detail}")));

    /// <summary>Journals what sequencers have confirmed. Nobody else would say it again, so a refused write is repeated.</summary>
    private void WriteUntilAccepted(CatalogMessage message, IEvent @event, Action then) =>
        Write(message, [@event], then, _ => After(s_refusedPause, () => Self.Tell(message)));

    private void Write(CatalogMessage message, IReadOnlyList<IEvent> events, Action then, Action<WriteResult> refused)
    {
        Persist(message, new Changes(events), Written, refused);

        void Written()
        {
            _published.Publish(_image, SequenceNr, events);
            then();
        }
    }

    private Task<TopicResult> WhenOpened(Guid topicId)
    {
        var reply = new Reply<TopicResult>();
        if (!_waitingForOpen.TryGetValue(topicId, out List<Reply<TopicResult>>? list))
            _waitingForOpen.Add(topicId, list = []);
        list.Add(reply);
        return reply.Task;
    }

    private void AnswerOpened(Guid topicId)
    {
        if (!_waitingForOpen.Remove(topicId, out List<Reply<TopicResult>>? list))
            return;
        TopicImage? topic = _image.Find(topicId);
        foreach (Reply<TopicResult> reply in list)
            reply.Set(topic is null ? new TopicResult(ErrorCode.UnknownTopicOrPartition, "The topic was deleted meanwhile.") : new TopicResult(ErrorCode.None, null, topic));
    }

    private void Open(TopicImage topic) =>
        _ = _opener.OpenAsync(topic, () => Self.Tell(new CatalogMessage.Opened(topic.Id, topic.PartitionCount)));

    private void Drop(TopicImage topic) => _ = _opener.DropAsync(topic, () => Self.Tell(new CatalogMessage.Dropped(topic.Id)));

    private Guid NewId()
    {
        Span<byte> bytes = stackalloc byte[16];
        _random.NextBytes(bytes);
        // The bits of a random (version 4) UUID, which also keeps the id from being the reserved ones of Kafka (0 and 1).
        bytes[6] = (byte)((bytes[6] & 0x0F) | 0x40);
        bytes[8] = (byte)((bytes[8] & 0x3F) | 0x80);
        return new Guid(bytes, bigEndian: true);
    }
}
