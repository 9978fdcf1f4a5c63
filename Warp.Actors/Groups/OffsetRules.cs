using Warp.Actors.Catalog;
using Warp.Actors.Sequencing;
using Warp.Protocol.Messages;

namespace Warp.Actors.Groups;

/// <summary>Committed offsets: who may commit what, and how long it is kept (KIP-211).</summary>
internal sealed class OffsetRules(GroupTurn turn)
{
    private readonly ClassicRules _classic = new(turn);

    public GroupAnswer.Each Commit(GroupCommand.CommitOffsets commit)
    {
        ErrorCode refusal = Check(commit);
        if (refusal != ErrorCode.None)
            return new GroupAnswer.Each(refusal, []);
        if (turn.Group.State is ClassicGroupState.Stable or ClassicGroupState.PreparingRebalance)
            _classic.ExtendSession(commit.MemberId);
        else if (turn.Image.Consumer is { Members.IsEmpty: false })
            new ClassicEmulation(turn, new ConsumerRules(turn)).Hear(commit.MemberId);

        List<ErrorCode> errors = [.. commit.Offsets.Select(offset =>
            offset.Metadata.Length > turn.Context.Settings.MaxOffsetMetadataLength ? ErrorCode.OffsetMetadataTooLarge : ErrorCode.None)];
        var accepted = new Dictionary<TopicPartition, OffsetToCommit>();
        for (int i = 0; i < errors.Count; i++)
        {
            if (errors[i] == ErrorCode.None)
                accepted[commit.Offsets[i].Partition] = commit.Offsets[i];
        }
        if (accepted.Count > 0)
            turn.Record(ToEvent(accepted.Values, commit.RetentionMs));
        return new GroupAnswer.Each(ErrorCode.None, errors);
    }

    public GroupAnswer.Each Delete(GroupCommand.DeleteOffsets delete)
    {
        if (!turn.Exists)
            return new GroupAnswer.Each(ErrorCode.GroupIdNotFound, []);
        if (turn.Group.State != ClassicGroupState.Empty && turn.Group.ProtocolType != ConsumerSubscription.ProtocolType)
            return new GroupAnswer.Each(ErrorCode.NonEmptyGroup, []);
        Subscription subscription = Subscribed();
        List<ErrorCode> errors = [.. delete.Offsets.Select(offset =>
            subscription.Includes(offset.Topic) ? ErrorCode.GroupSubscribedToTopic : ErrorCode.None)];
        Remove([.. delete.Offsets.Where((offset, i) => errors[i] == ErrorCode.None && turn.Image.Offsets.ContainsKey(offset.Partition))
            .Select(static offset => offset.Partition).Distinct()]);
        return new GroupAnswer.Each(ErrorCode.None, errors);
    }

    /// <summary>Removes offsets that are past their retention, and those of topics that are no more.</summary>
    public void Expire()
    {
        CatalogImage catalog = turn.Context.Catalog;
        Subscription subscription = Subscribed();
        Remove([.. turn.Image.Offsets
            .Where(entry => !catalog.ById.TryGetValue(entry.Key.TopicId, out TopicImage? topic) || topic.IsDeleted
                || (!subscription.Includes(topic.Name) && IsExpired(entry.Value, subscription)))
            .Select(static entry => entry.Key)]);
    }

    private static OffsetsCommitted.OffsetsCommittedPartition ToRecord(OffsetToCommit offset) => new()
    {
        Partition = offset.Partition.Partition,
        Offset = offset.Offset,
        LeaderEpoch = offset.LeaderEpoch,
        Metadata = offset.Metadata,
    };

    private ErrorCode Check(GroupCommand.CommitOffsets commit)
    {
        if (turn.Image.Consumer is { Members.IsEmpty: false } consumer)
            return ConsumerOffsets.CheckCommit(consumer, commit);
        ClassicGroup group = turn.Group;
        if (!turn.Exists && commit.Generation >= 0)
            return commit.KnowsGroupIdNotFound ? ErrorCode.GroupIdNotFound : ErrorCode.IllegalGeneration;
        if (commit.Generation < 0 && group.State == ClassicGroupState.Empty)
            return ErrorCode.None;
        if (commit.Generation < 0 && commit.MemberId.Length == 0 && commit.InstanceId is null)
            return ErrorCode.UnknownMemberId;
        if (_classic.CheckMember(commit.MemberId, commit.InstanceId) is var error && error != ErrorCode.None)
            return error;
        if (commit.Generation != group.Generation)
            return ErrorCode.IllegalGeneration;
        // Its client knows the generation already, but not yet what it may commit in it.
        return group.State == ClassicGroupState.CompletingRebalance ? ErrorCode.RebalanceInProgress : ErrorCode.None;
    }

    private OffsetsCommitted ToEvent(IEnumerable<OffsetToCommit> offsets, long retentionMs) => new()
    {
        Time = turn.Context.Now.EpochMs,
        ExpireTime = retentionMs < 0 ? -1 : turn.Context.Now.EpochMs + retentionMs,
        Topics = [.. from offset in offsets
                     group offset by offset.Partition.TopicId into topic
                     select new OffsetsCommitted.OffsetsCommittedTopic { TopicId = topic.Key, Partitions = [.. topic.Select(ToRecord)] }],
    };

    private void Remove(IReadOnlyCollection<TopicPartition> partitions)
    {
        if (partitions.Count == 0)
            return;
        turn.Record(new OffsetsRemoved
        {
            Time = turn.Context.Now.EpochMs,
            Topics = [.. from partition in partitions
                         group partition.Partition by partition.TopicId into topic
                         select new OffsetsRemoved.OffsetsRemovedTopic { TopicId = topic.Key, Partitions = [.. topic] }],
        });
    }

    /// <summary>
    /// A group without members keeps its offsets from the moment it was left; a simple consumer's, which has none, from each commit.
    /// While a consumer group is stable it keeps those of topics that nobody subscribes to from their commit; otherwise nothing expires.
    /// </summary>
    private bool IsExpired(CommittedOffset offset, Subscription subscription)
    {
        ClassicGroup group = turn.Group;
        long now = turn.Context.Now.EpochMs;
        long since;
        if (group.ProtocolType is null || turn.Image.Consumer is { Members.IsEmpty: false })
            since = offset.CommitTimeMs;
        else if (group.State == ClassicGroupState.Empty)
            since = turn.Image.StateTimeMs;
        else if (group.State == ClassicGroupState.Stable && subscription.IsKnown)
            since = offset.CommitTimeMs;
        else
            return false;
        return now >= (offset.ExpireTimeMs >= 0
            ? offset.ExpireTimeMs
            : since + (long)turn.Context.Settings.OffsetsRetention.TotalMilliseconds);
    }

    /// <summary>The topics that the generation's members subscribe to, where they are consumers and can be understood.</summary>
    private Subscription Subscribed()
    {
        if (turn.Image.Consumer is { Members.IsEmpty: false } consumer)
        {
            IReadOnlyList<TopicImage> subscribed = new SubscribedTopics(turn.Context.Catalog).OfAll(consumer.Members.Values);
            return new Subscription([.. subscribed.Select(static topic => topic.Name)], IsConsumers: true);
        }
        ClassicGroup group = turn.Group;
        if (group.ProtocolType != ConsumerSubscription.ProtocolType)
            return new Subscription(null, IsConsumers: false);
        var topics = new HashSet<string>();
        if (group.Members.IsEmpty)
            return new Subscription(topics, IsConsumers: true);
        bool isKnown = group.ProtocolName is not null
            && group.Members.Values.All(member =>
                ConsumerSubscription.TryReadTopics(member.Info.MetadataFor(group.ProtocolName).Span, topics));
        return new Subscription(isKnown ? topics : null, IsConsumers: true);
    }

    /// <param name="Topics">Null when not known.</param>
    /// <param name="IsConsumers">Whether they are consumers, who then may subscribe to anything.</param>
    private sealed record Subscription(HashSet<string>? Topics, bool IsConsumers)
    {
        public bool IsKnown => Topics is not null;

        public bool Includes(string topic) => Topics?.Contains(topic) ?? IsConsumers;
    }
}
