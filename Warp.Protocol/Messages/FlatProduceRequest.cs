using System.Runtime.InteropServices;
using Warp.Protocol.Wire;

namespace Warp.Protocol.Messages;

/// <summary>
/// A Produce request as the path of records reads it: the bytes of a <see cref="ProduceRequest"/>, in two lists instead of an object for
/// each topic and partition. It can be read into again and again, which makes no new object. Not thread-safe.
/// </summary>
public sealed class FlatProduceRequest : IRequest
{
    public const short HighestVersion = 13;

    private const short FirstVersionOfTransactions = 3;
    private const short FirstFlexibleVersion = 9;
    private const short FirstVersionOfTopicIds = 13;

    /// <summary>A name's length, and a count.</summary>
    private const int LeastTopicBytes = 2;

    /// <summary>An index, and a length.</summary>
    private const int LeastPartitionBytes = 5;

    private readonly List<Topic> _topics = [];
    private readonly List<Partition> _partitions = [];

    public ApiKey ApiKey => ApiKey.Produce;

    public string? TransactionalId { get; private set; }

    public short Acks { get; private set; }

    public int TimeoutMs { get; private set; }

    public ReadOnlySpan<Topic> Topics => CollectionsMarshal.AsSpan(_topics);

    /// <summary>Those of the first topic, then those of the second, and so on.</summary>
    public ReadOnlySpan<Partition> Partitions => CollectionsMarshal.AsSpan(_partitions);

    /// <summary>Reads one version, in place of what was here. The records are slices of the reader's bytes.</summary>
    /// <exception cref="MalformedMessageException">The bytes are no such message.</exception>
    public void Read(ref WireReader reader, short version)
    {
        WireReader.CheckVersion(version, 0, HighestVersion, nameof(FlatProduceRequest));
        Clear();
        bool flexible = version >= FirstFlexibleVersion;
        if (version >= FirstVersionOfTransactions)
            TransactionalId = reader.ReadNullableString("ProduceRequest.TransactionalId", flexible, allowed: true);
        Acks = reader.ReadInt16("ProduceRequest.Acks");
        TimeoutMs = reader.ReadInt32("ProduceRequest.TimeoutMs");
        int topics = reader.ReadArrayCount("ProduceRequest.TopicData", flexible, LeastTopicBytes);
        for (int i = 0; i < topics; i++)
            ReadTopic(ref reader, version, flexible);
        if (flexible)
            reader.SkipTags("ProduceRequest");
    }

    /// <inheritdoc/>
    public void Write(WireWriter writer, short version)
    {
        WireReader.CheckVersion(version, 0, HighestVersion, nameof(FlatProduceRequest));
        bool flexible = version >= FirstFlexibleVersion;
        if (version >= FirstVersionOfTransactions)
            writer.WriteNullableString(TransactionalId, flexible, allowed: true, "ProduceRequest.TransactionalId");
        else if (TransactionalId is not null)
            throw WireWriter.NotInVersion("ProduceRequest.TransactionalId", version);
        writer.WriteInt16(Acks);
        writer.WriteInt32(TimeoutMs);
        writer.WriteArrayCount(_topics.Count, flexible);
        ReadOnlySpan<Partition> partitions = Partitions;
        foreach (Topic topic in _topics)
        {
            if (version >= FirstVersionOfTopicIds)
                writer.WriteUuid(topic.TopicId);
            else
                writer.WriteString(topic.Name, flexible);
            writer.WriteArrayCount(topic.PartitionCount, flexible);
            foreach (ref readonly Partition partition in partitions[..topic.PartitionCount])
            {
                writer.WriteInt32(partition.Index);
                writer.WriteNullableBytes(partition.Records, flexible, allowed: true, "PartitionProduceData.Records");
                if (flexible)
                    writer.WriteUvarint(0);
            }
            partitions = partitions[topic.PartitionCount..];
            if (flexible)
                writer.WriteUvarint(0);
        }
        if (flexible)
            writer.WriteUvarint(0);
    }

    /// <summary>Gives up what was read, and the memory of a request that was unusually large.</summary>
    public void Clear()
    {
        TransactionalId = null;
        FlatLists.Clear(_topics);
        FlatLists.Clear(_partitions);
    }

    private void ReadTopic(ref WireReader reader, short version, bool flexible)
    {
        bool byId = version >= FirstVersionOfTopicIds;
        string name = byId ? "" : reader.ReadRecurringString("TopicProduceData.Name", flexible, allowed: false)!;
        Guid id = byId ? reader.ReadUuid("TopicProduceData.TopicId") : Guid.Empty;
        int partitions = reader.ReadArrayCount("TopicProduceData.PartitionData", flexible, LeastPartitionBytes);
        _topics.Add(new Topic(name, id, partitions));
        for (int i = 0; i < partitions; i++)
        {
            int index = reader.ReadInt32("PartitionProduceData.Index");
            _partitions.Add(new Partition(index, reader.ReadNullableBytes("PartitionProduceData.Records", flexible, allowed: true)));
            if (flexible)
                reader.SkipTags("PartitionProduceData");
        }
        if (flexible)
            reader.SkipTags("TopicProduceData");
    }

    /// <param name="Name">Empty in versions with ids.</param>
    /// <param name="TopicId">Empty in versions with names.</param>
    /// <param name="PartitionCount">How many of <see cref="Partitions"/> are the topic's.</param>
    public readonly record struct Topic(string Name, Guid TopicId, int PartitionCount);

    /// <param name="Index">The partition's number.</param>
    /// <param name="Records">A slice of the request.</param>
    public readonly record struct Partition(int Index, ReadOnlyMemory<byte>? Records);
}
