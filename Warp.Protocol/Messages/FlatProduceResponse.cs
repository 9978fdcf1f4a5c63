using System.Runtime.InteropServices;
using Warp.Protocol.Wire;

namespace Warp.Protocol.Messages;

/// <summary>
/// The response to a <see cref="FlatProduceRequest"/>: it writes the bytes of a <see cref="ProduceResponse"/>, and can be filled again and
/// again, which makes no new object. Not thread-safe.
/// </summary>
public sealed class FlatProduceResponse : IThrottledResponse
{
    private const short FirstVersionOfLogStartOffsets = 5;
    private const short FirstVersionOfRecordErrors = 8;
    private const short FirstFlexibleVersion = 9;
    private const short FirstVersionOfTopicIds = 13;

    private readonly List<FlatProduceRequest.Topic> _topics = [];
    private readonly List<Partition> _partitions = [];

    public ApiKey ApiKey => ApiKey.Produce;

    public int ThrottleTimeMs { get; set; }

    /// <summary>Those of the first topic, then those of the second, and so on; to be changed until it is written.</summary>
    public Span<Partition> Partitions => CollectionsMarshal.AsSpan(_partitions);

    /// <summary>Begins the answer for a topic of the request, of which there follow as many partitions as it had there.</summary>
    public void Add(in FlatProduceRequest.Topic topic) => _topics.Add(topic);

    /// <summary>Adds the answer for a partition.</summary>
    public void Add(in Partition partition) => _partitions.Add(partition);

    /// <summary>Empties it.</summary>
    public void Clear()
    {
        ThrottleTimeMs = 0;
        FlatLists.Clear(_topics);
        FlatLists.Clear(_partitions);
    }

    /// <inheritdoc/>
    public void Write(WireWriter writer, short version)
    {
        WireReader.CheckVersion(version, 0, FlatProduceRequest.HighestVersion, nameof(FlatProduceResponse));
        bool flexible = version >= FirstFlexibleVersion;
        writer.WriteArrayCount(_topics.Count, flexible);
        ReadOnlySpan<Partition> partitions = Partitions;
        foreach (FlatProduceRequest.Topic topic in _topics)
        {
            if (version >= FirstVersionOfTopicIds)
                writer.WriteUuid(topic.TopicId);
            else
                writer.WriteString(topic.Name, flexible);
            writer.WriteArrayCount(topic.PartitionCount, flexible);
            foreach (ref readonly Partition partition in partitions[..topic.PartitionCount])
                partition.Write(writer, version, flexible);
            partitions = partitions[topic.PartitionCount..];
            if (flexible)
                writer.WriteUvarint(0);
        }
        if (version >= 1)
            writer.WriteInt32(ThrottleTimeMs);
        if (flexible)
            writer.WriteUvarint(0);
    }

    /// <summary>The answer for one partition.</summary>
    /// <param name="Index">The partition's number.</param>
    public record struct Partition(int Index)
    {
        public ErrorCode ErrorCode { get; set; }

        public long BaseOffset { get; set; } = -1;

        public long LogAppendTimeMs { get; set; } = -1;

        public long LogStartOffset { get; set; } = -1;

        public string? ErrorMessage { get; set; }

        /// <summary>Places of the records that were at fault; each is given the message.</summary>
        public IReadOnlyList<int>? BadRecords { get; set; }

        internal readonly void Write(WireWriter writer, short version, bool flexible)
        {
            writer.WriteInt32(Index);
            writer.WriteError(ErrorCode);
            writer.WriteInt64(BaseOffset);
            if (version >= 2)
                writer.WriteInt64(LogAppendTimeMs);
            if (version >= FirstVersionOfLogStartOffsets)
                writer.WriteInt64(LogStartOffset);
            if (version >= FirstVersionOfRecordErrors)
            {
                WriteBadRecords(writer, flexible);
                writer.WriteNullableString(ErrorMessage, flexible, allowed: true, "PartitionProduceResponse.ErrorMessage");
            }
            if (flexible)
                writer.WriteUvarint(0);
        }

        private readonly void WriteBadRecords(WireWriter writer, bool flexible)
        {
            int count = BadRecords?.Count ?? 0;
            writer.WriteArrayCount(count, flexible);
            for (int i = 0; i < count; i++)
            {
                writer.WriteInt32(BadRecords![i]);
                writer.WriteNullableString(ErrorMessage, flexible, allowed: true, "BatchIndexAndErrorMessage.BatchIndexErrorMessage");
                if (flexible)
                    writer.WriteUvarint(0);
            }
        }
    }
}
