using Warp.Protocol.Messages;
using Warp.Protocol.Wire;

namespace Warp.Actors.Sequencing;

public sealed partial class SequencerSnapshot
{
    private Dictionary<Guid, int>? _placeOfObject;

    /// <summary>Writes an object by its place in the table: 1 more than how far (zig-zag) from the place before, or 0 and its id.</summary>
    private void WriteObject(WireWriter writer, Guid objectId, ref int place)
    {
        _placeOfObject ??= Enumerable.Range(0, ObjectTable.Count).ToDictionary(i => ObjectTable[i].ObjectId);
        if (_placeOfObject.TryGetValue(objectId, out int found))
        {
            writer.WriteUvarlong(1 + Varint.ZigZag(found - place));
            place = found;
        }
        else
        {
            writer.WriteUvarlong(0);
            writer.WriteUuid(objectId);
        }
    }

    private Guid ReadObject(ref WireReader reader, string field, ref int place)
    {
        ulong step = reader.ReadUvarlong(field);
        if (step == 0)
            return reader.ReadUuid(field);
        long found = place + Varint.UnZigZag(step - 1);
        if (found < 0 || found >= ObjectTable.Count)
            throw new MalformedMessageException($"{field} names the object {found} of {ObjectTable.Count}.");
        place = (int)found;
        return ObjectTable[place].ObjectId;
    }

    public sealed partial class PartitionSnapshot
    {
        private const string Field = "SequencerSnapshot.Partitions";

        /// <summary>
        /// The log whose extents are written from where they are, in place of <see cref="Extents"/>, which would take nine times the memory.
        /// </summary>
        internal PartitionLog? Log { get; init; }

        /// <summary>Writes partitions by topic; an extent takes about 10 bytes, most of them for its position and its time.</summary>
        internal static void WritePacked(WireWriter writer, List<PartitionSnapshot> partitions, SequencerSnapshot owner)
        {
            writer.WriteArrayCount(partitions.Count, compact: true);
            PartitionSnapshot? previous = null;
            foreach (PartitionSnapshot partition in partitions)
            {
                bool isNewTopic = previous?.TopicId != partition.TopicId;
                writer.WriteBool(isNewTopic);
                if (isNewTopic)
                    writer.WriteUuid(partition.TopicId);
                writer.WriteVarint(partition.Partition - (isNewTopic ? 0 : previous!.Partition));
                writer.WriteVarlong(partition.LogStartOffset);
                writer.WriteVarlong(partition.NextOffset - partition.LogStartOffset);
                writer.WriteVarlong(partition.CleanedUpTo);
                writer.WriteVarlong(partition.DeleteHorizon);
                partition.WriteExtents(writer, owner);
                partition.WriteProducers(writer, owner.Time);
                previous = partition;
            }
        }

        /// <summary>Reads what <see cref="WritePacked"/> wrote.</summary>
        internal static List<PartitionSnapshot> ReadPacked(ref WireReader reader, SequencerSnapshot owner)
        {
            int count = reader.ReadArrayCount(Field, compact: true, leastBytes: 8);
            var partitions = new List<PartitionSnapshot>(WireReader.Capacity(count));
            PartitionSnapshot? previous = null;
            for (; count > 0; count--)
            {
                bool isNewTopic = reader.ReadBool(Field) || previous is null;
                var partition = new PartitionSnapshot { TopicId = isNewTopic ? reader.ReadUuid(Field) : previous!.TopicId };
                partition.Partition = reader.ReadVarint(Field) + (isNewTopic ? 0 : previous!.Partition);
                partition.LogStartOffset = reader.ReadVarlong(Field);
                partition.NextOffset = partition.LogStartOffset + reader.ReadVarlong(Field);
                partition.CleanedUpTo = reader.ReadVarlong(Field);
                partition.DeleteHorizon = reader.ReadVarlong(Field);
                partition.ReadExtents(ref reader, owner);
                partition.ReadProducers(ref reader, owner.Time);
                partitions.Add(previous = partition);
            }
            return partitions;
        }

        private void WriteExtents(WireWriter writer, SequencerSnapshot owner)
        {
            var expected = new ExpectedExtent { BaseOffset = LogStartOffset, MaxTimestamp = owner.Time, Place = -1 };
            if (Log is { } log)
            {
                writer.WriteArrayCount(log.Extents.Length, compact: true);
                foreach (Extent extent in log.Extents)
                    Write(writer, extent, owner, ref expected);
                return;
            }
            writer.WriteArrayCount(Extents.Count, compact: true);
            foreach (ExtentSnapshot extent in Extents)
                Write(writer, extent.ToExtent(), owner, ref expected);
        }

        private static void Write(WireWriter writer, in Extent extent, SequencerSnapshot owner, ref ExpectedExtent expected)
        {
            ExtentShape shape = ShapeOf(extent, expected);
            writer.WriteUvarint((uint)shape);
            owner.WriteObject(writer, extent.ObjectId.ToGuid(), ref expected.Place);
            writer.WriteVarlong(extent.Position);
            writer.WriteVarlong(extent.MaxTimestamp - expected.MaxTimestamp);
            if (Has(shape, ExtentShape.BaseOffset))
                writer.WriteVarlong(extent.BaseOffset - expected.BaseOffset);
            if (Has(shape, ExtentShape.OffsetCount))
                writer.WriteVarlong(extent.OffsetCount - expected.OffsetCount);
            if (Has(shape, ExtentShape.Length))
                writer.WriteVarlong(extent.Length - expected.Length);
            if (Has(shape, ExtentShape.Source))
                writer.WriteInt8((sbyte)extent.Source);
            expected.GoOnFrom(extent);
        }

        private void ReadExtents(ref WireReader reader, SequencerSnapshot owner)
        {
            int count = reader.ReadArrayCount(Field, compact: true, leastBytes: 4);
            var extents = new List<ExtentSnapshot>(WireReader.Capacity(count));
            var expected = new ExpectedExtent { BaseOffset = LogStartOffset, MaxTimestamp = owner.Time, Place = -1 };
            for (; count > 0; count--)
            {
                var shape = (ExtentShape)reader.ReadUvarint(Field);
                var extent = new ExtentSnapshot
                {
                    ObjectId = owner.ReadObject(ref reader, Field, ref expected.Place),
                    Position = reader.ReadVarlong(Field),
                    MaxTimestamp = expected.MaxTimestamp + reader.ReadVarlong(Field),
                    BaseOffset = expected.BaseOffset + (Has(shape, ExtentShape.BaseOffset) ? reader.ReadVarlong(Field) : 0),
                    OffsetCount = expected.OffsetCount + (Has(shape, ExtentShape.OffsetCount) ? reader.ReadVarlong(Field) : 0),
                    Length = expected.Length + (Has(shape, ExtentShape.Length) ? reader.ReadVarlong(Field) : 0),
                    Source = Has(shape, ExtentShape.Source) ? reader.ReadInt8(Field) : (sbyte)0,
                };
                extents.Add(extent);
                expected.GoOnFrom(extent.ToExtent());
            }
            Extents = extents;
        }

        private void WriteProducers(WireWriter writer, long time)
        {
            writer.WriteArrayCount(Producers.Count, compact: true);
            long previousId = 0;
            foreach (ProducerSnapshot producer in Producers)
            {
                writer.WriteVarlong(producer.ProducerId - previousId);
                writer.WriteVarint(producer.Epoch);
                writer.WriteVarlong(producer.LastWrite - time);
                writer.WriteArrayCount(producer.Batches.Count, compact: true);
                var (nextSequence, baseOffset) = (0L, 0L);
                foreach (ProducerBatchSnapshot batch in producer.Batches)
                {
                    writer.WriteVarlong(batch.FirstSequence - nextSequence);
                    writer.WriteVarlong((long)batch.LastSequence - batch.FirstSequence);
                    writer.WriteVarlong(batch.BaseOffset - baseOffset);
                    (nextSequence, baseOffset) = (batch.LastSequence + 1L, batch.BaseOffset);
                }
                previousId = producer.ProducerId;
            }
        }

        private void ReadProducers(ref WireReader reader, long time)
        {
            int count = reader.ReadArrayCount(Field, compact: true, leastBytes: 4);
            var producers = new List<ProducerSnapshot>(WireReader.Capacity(count));
            long previousId = 0;
            for (; count > 0; count--)
            {
                var producer = new ProducerSnapshot
                {
                    ProducerId = previousId + reader.ReadVarlong(Field),
                    Epoch = (short)reader.ReadVarint(Field),
                    LastWrite = time + reader.ReadVarlong(Field),
                };
                var (nextSequence, baseOffset) = (0L, 0L);
                for (int batches = reader.ReadArrayCount(Field, compact: true, leastBytes: 3); batches > 0; batches--)
                {
                    int first = (int)(nextSequence + reader.ReadVarlong(Field));
                    int last = (int)(first + reader.ReadVarlong(Field));
                    (nextSequence, baseOffset) = (last + 1L, baseOffset + reader.ReadVarlong(Field));
                    producer.Batches.Add(new ProducerBatchSnapshot { FirstSequence = first, LastSequence = last, BaseOffset = baseOffset });
                }
                producers.Add(producer);
                previousId = producer.ProducerId;
            }
            Producers = producers;
        }

        private static bool Has(ExtentShape shape, ExtentShape flag) => (shape & flag) != 0;

        private static ExtentShape ShapeOf(in Extent extent, in ExpectedExtent expected)
        {
            ExtentShape shape = default;
            if (extent.BaseOffset != expected.BaseOffset)
                shape |= ExtentShape.BaseOffset;
            if (extent.OffsetCount != expected.OffsetCount)
                shape |= ExtentShape.OffsetCount;
            if (extent.Length != expected.Length)
                shape |= ExtentShape.Length;
            if (extent.Source != ExtentSource.Object)
                shape |= ExtentShape.Source;
            return shape;
        }

        /// <summary>
        /// What a packed extent says of itself after its object, position and timestamp, in the order of these flags: the numbers are what
        /// they are more than in the extent before. Frozen: they are in snapshots.
        /// </summary>
        [Flags]
        private enum ExtentShape : uint
        {
            /// <summary>It does not begin where the one before ends; the first: not at the log start.</summary>
            BaseOffset = 1,

            OffsetCount = 2,

            Length = 4,

            /// <summary>It does not lie in an object of the store.</summary>
            Source = 8,
        }

        /// <summary>What the next extent is like if it is like the one before.</summary>
        private struct ExpectedExtent
        {
            public int Place;
            public long BaseOffset;
            public long OffsetCount;
            public long Length;
            public long MaxTimestamp;

            public void GoOnFrom(in Extent extent)
            {
                BaseOffset = extent.LastOffset + 1;
                OffsetCount = extent.OffsetCount;
                Length = extent.Length;
                MaxTimestamp = extent.MaxTimestamp;
            }
        }
    }

    public sealed partial class ExtentSnapshot
    {
        internal Extent ToExtent() => new(
            BaseOffset, BaseOffset + OffsetCount - 1, (ExtentSource)Source, ObjectId.ToObjectId(), Position, Length, MaxTimestamp);

        internal static ExtentSnapshot Of(in Extent extent) => new()
        {
            BaseOffset = extent.BaseOffset,
            OffsetCount = extent.OffsetCount,
            Source = (sbyte)extent.Source,
            ObjectId = extent.ObjectId.ToGuid(),
            Position = extent.Position,
            Length = extent.Length,
            MaxTimestamp = extent.MaxTimestamp,
        };
    }

    public sealed partial class RecentCommitSnapshot
    {
        private const string Field = "SequencerSnapshot.RecentCommits";

        /// <summary>The commit whose answers are written from where they are, in place of <see cref="Answers"/>.</summary>
        internal RecentCommit? Commit { get; init; }

        /// <summary>Writes the answers of commits: 2 to 4 bytes for a batch.</summary>
        internal static void WritePacked(WireWriter writer, List<RecentCommitSnapshot> commits, SequencerSnapshot owner)
        {
            writer.WriteArrayCount(commits.Count, compact: true);
            long previousTime = owner.Time;
            int place = -1;
            foreach (RecentCommitSnapshot commit in commits)
            {
                owner.WriteObject(writer, commit.ObjectId, ref place);
                writer.WriteVarlong(commit.Time - previousTime);
                writer.WriteVarint(commit.BatchCount);
                commit.WriteAnswers(writer);
                previousTime = commit.Time;
            }
        }

        private void WriteAnswers(WireWriter writer)
        {
            var (nextIndex, baseOffset) = (0, 0L);
            if (Commit is not { } recent)
            {
                writer.WriteArrayCount(Answers.Count, compact: true);
                foreach (AnswerSnapshot answer in Answers)
                    Write(answer.Index, answer.Error, answer.BaseOffset);
                return;
            }
            writer.WriteArrayCount(recent.AnswerCount, compact: true);
            for (int i = 0; i < recent.Count; i++)
            {
                if (recent.AnswerOf(i) is { } answer)
                    Write(i, answer.Error, answer.BaseOffset);
            }

            void Write(int index, ErrorCode error, long offset)
            {
                // The lowest bit tells of an error.
                writer.WriteUvarlong((Varint.ZigZag(index - nextIndex) << 1) | (error == ErrorCode.None ? 0ul : 1ul));
                if (error != ErrorCode.None)
                    writer.WriteError(error);
                writer.WriteVarlong(offset - baseOffset);
                (nextIndex, baseOffset) = (index + 1, offset);
            }
        }

        /// <summary>Reads what <see cref="WritePacked"/> wrote.</summary>
        internal static List<RecentCommitSnapshot> ReadPacked(ref WireReader reader, SequencerSnapshot owner)
        {
            int count = reader.ReadArrayCount(Field, compact: true, leastBytes: 4);
            var commits = new List<RecentCommitSnapshot>(WireReader.Capacity(count));
            long previousTime = owner.Time;
            int place = -1;
            for (; count > 0; count--)
            {
                var commit = new RecentCommitSnapshot
                {
                    ObjectId = owner.ReadObject(ref reader, Field, ref place),
                    Time = previousTime + reader.ReadVarlong(Field),
                    BatchCount = reader.ReadVarint(Field),
                };
                var (nextIndex, baseOffset) = (0, 0L);
                for (int answers = reader.ReadArrayCount(Field, compact: true, leastBytes: 2); answers > 0; answers--)
                {
                    ulong head = reader.ReadUvarlong(Field);
                    int index = (int)(nextIndex + Varint.UnZigZag(head >> 1));
                    ErrorCode error = (head & 1) == 0 ? ErrorCode.None : reader.ReadError(Field);
                    (nextIndex, baseOffset) = (index + 1, baseOffset + reader.ReadVarlong(Field));
                    commit.Answers.Add(new AnswerSnapshot { Index = index, Error = error, BaseOffset = baseOffset });
                }
                commits.Add(commit);
                previousTime = commit.Time;
            }
            return commits;
        }
    }
}
