using Warp.Protocol.Messages;
using Warp.Protocol.Wire;

namespace Warp.Actors.Sequencing;

public sealed partial class ObjectCommitted
{
    public sealed partial class CommittedPartition
    {
        /// <summary>The least a packed batch takes: its shape, base offset and timestamp.</summary>
        private const int LeastBatchBytes = 3;

        /// <summary>
        /// Writes the batches of all partitions as one list, each as far as it differs from what the one before lets expect: 10 to 15 bytes
        /// for a batch of a partition of its own, 3 for one that goes on in its partition. The layout is in <see cref="BatchShape"/>.
        /// </summary>
        internal static void WritePacked(WireWriter writer, List<CommittedPartition> partitions, ObjectCommitted owner)
        {
            writer.WriteArrayCount(partitions.Sum(static partition => partition.Batches.Count), compact: true);
            var expected = new ExpectedBatch { MaxTimestamp = owner.Time };
            CommittedPartition? previous = null;
            foreach (CommittedPartition partition in partitions)
            {
                foreach (CommittedBatch batch in partition.Batches)
                {
                    BatchShape shape = ShapeOf(partition, previous, batch, expected);
                    writer.WriteUvarint((uint)shape);
                    if (shape.HasFlag(BatchShape.NewTopic))
                        writer.WriteUuid(partition.TopicId);
                    if (shape.HasFlag(BatchShape.NewPartition))
                    {
                        writer.WriteVarint(partition.Partition - (shape.HasFlag(BatchShape.NewTopic) ? 0 : previous!.Partition));
                        expected.BaseOffset = 0;
                    }
                    Write(writer, batch, shape, ref expected);
                    previous = partition;
                }
            }
        }

        /// <summary>Reads what <see cref="WritePacked"/> wrote.</summary>
        internal static List<CommittedPartition> ReadPacked(ref WireReader reader, ObjectCommitted owner)
        {
            const string Field = "ObjectCommitted.Partitions";
            int count = reader.ReadArrayCount(Field, compact: true, LeastBatchBytes);
            var partitions = new List<CommittedPartition>(WireReader.Capacity(count));
            var expected = new ExpectedBatch { MaxTimestamp = owner.Time };
            CommittedPartition? partition = null;
            for (; count > 0; count--)
            {
                var shape = (BatchShape)reader.ReadUvarint(Field);
                if (shape.HasFlag(BatchShape.NewPartition) || partition is null)
                {
                    bool isNewTopic = shape.HasFlag(BatchShape.NewTopic) || partition is null;
                    Guid topicId = isNewTopic ? reader.ReadUuid(Field) : partition!.TopicId;
                    int number = reader.ReadVarint(Field) + (isNewTopic ? 0 : partition!.Partition);
                    partitions.Add(partition = new CommittedPartition { TopicId = topicId, Partition = number });
                    expected.BaseOffset = 0;
                }
                partition.Batches.Add(Read(ref reader, shape, ref expected));
            }
            return partitions;
        }

        private static BatchShape ShapeOf(
            CommittedPartition partition, CommittedPartition? previous, CommittedBatch batch, in ExpectedBatch expected)
        {
            BatchShape shape = default;
            if (previous?.TopicId != partition.TopicId)
                shape |= BatchShape.NewTopic;
            if (!ReferenceEquals(previous, partition))
                shape |= BatchShape.NewPartition;
            if (batch.Index != expected.Index)
                shape |= BatchShape.Index;
            if (batch.Position != expected.Position)
                shape |= BatchShape.Position;
            if (batch.Length != expected.Length)
                shape |= BatchShape.Length;
            if (batch.OffsetCount != expected.OffsetCount)
                shape |= BatchShape.OffsetCount;
            if ((batch.ProducerId, batch.ProducerEpoch, batch.BaseSequence) != (-1, (short)-1, -1))
                shape |= BatchShape.Producer;
            if (batch.Duplicate)
                shape |= BatchShape.Duplicate;
            if (batch.Error != ErrorCode.None)
                shape |= BatchShape.Error;
            return shape;
        }

        private static void Write(WireWriter writer, CommittedBatch batch, BatchShape shape, ref ExpectedBatch expected)
        {
            if (shape.HasFlag(BatchShape.Index))
                writer.WriteVarlong((long)batch.Index - expected.Index);
            if (shape.HasFlag(BatchShape.Position))
                writer.WriteUvarlong((ulong)(batch.Position - expected.Position));
            if (shape.HasFlag(BatchShape.Length))
                writer.WriteVarlong((long)batch.Length - expected.Length);
            if (shape.HasFlag(BatchShape.OffsetCount))
                writer.WriteVarlong((long)batch.OffsetCount - expected.OffsetCount);
            writer.WriteVarlong(batch.BaseOffset - expected.BaseOffset);
            writer.WriteVarlong(batch.MaxTimestamp - expected.MaxTimestamp);
            if (shape.HasFlag(BatchShape.Producer))
            {
                writer.WriteVarlong(batch.ProducerId - expected.ProducerId);
                writer.WriteVarint(batch.ProducerEpoch - expected.ProducerEpoch);
                writer.WriteVarlong((long)batch.BaseSequence - expected.BaseSequence);
            }
            if (shape.HasFlag(BatchShape.Error))
                writer.WriteError(batch.Error);
            expected.GoOnFrom(batch);
        }

        private static CommittedBatch Read(ref WireReader reader, BatchShape shape, ref ExpectedBatch expected)
        {
            const string Field = "ObjectCommitted.Batches";
            bool hasProducer = shape.HasFlag(BatchShape.Producer);
            var batch = new CommittedBatch
            {
                Index = (int)(expected.Index + (shape.HasFlag(BatchShape.Index) ? reader.ReadVarlong(Field) : 0)),
                Position = expected.Position + (shape.HasFlag(BatchShape.Position) ? (long)reader.ReadUvarlong(Field) : 0),
                Length = (int)(expected.Length + (shape.HasFlag(BatchShape.Length) ? reader.ReadVarlong(Field) : 0)),
                OffsetCount = (int)(expected.OffsetCount + (shape.HasFlag(BatchShape.OffsetCount) ? reader.ReadVarlong(Field) : 0)),
                BaseOffset = expected.BaseOffset + reader.ReadVarlong(Field),
                MaxTimestamp = expected.MaxTimestamp + reader.ReadVarlong(Field),
                ProducerId = hasProducer ? expected.ProducerId + reader.ReadVarlong(Field) : -1,
                ProducerEpoch = hasProducer ? (short)(expected.ProducerEpoch + reader.ReadVarint(Field)) : (short)-1,
                BaseSequence = hasProducer ? (int)(expected.BaseSequence + reader.ReadVarlong(Field)) : -1,
                Duplicate = shape.HasFlag(BatchShape.Duplicate),
                Error = shape.HasFlag(BatchShape.Error) ? reader.ReadError(Field) : ErrorCode.None,
            };
            expected.GoOnFrom(batch);
            return batch;
        }

        /// <summary>
        /// What a packed batch says of itself, in the order of these flags; all numbers but the topic id are what they are more than
        /// expected. The base offset and the timestamp, which have no flags, stand in front of the producer. Frozen: they are in journals.
        /// </summary>
        [Flags]
        private enum BatchShape : uint
        {
            /// <summary>It is of another partition than the one before: the number, or how much higher it is in the same topic.</summary>
            NewPartition = 1,

            /// <summary>Its index is not the one after the last.</summary>
            Index = 2,

            /// <summary>It does not begin where the one before ends.</summary>
            Position = 4,

            /// <summary>It is not as long as the one before.</summary>
            Length = 8,

            /// <summary>It has not as many offsets as the one before.</summary>
            OffsetCount = 16,

            /// <summary>It is of an idempotent producer: id, epoch and base sequence follow.</summary>
            Producer = 32,

            /// <summary>Another topic's id comes first.</summary>
            NewTopic = 64,

            /// <summary>It had been written before.</summary>
            Duplicate = 128,

            /// <summary>It was refused; the error comes last.</summary>
            Error = 256,
        }

        /// <summary>What the next batch is like if it is like the one before.</summary>
        private struct ExpectedBatch
        {
            public int Index;
            public long Position;
            public int Length;
            public int OffsetCount;
            public long BaseOffset;
            public long MaxTimestamp;
            public long ProducerId;
            public short ProducerEpoch;
            public int BaseSequence;

            public void GoOnFrom(CommittedBatch batch)
            {
                Index = batch.Index + 1;
                Position = batch.Position + batch.Length;
                Length = batch.Length;
                OffsetCount = batch.OffsetCount;
                BaseOffset = batch.BaseOffset + batch.OffsetCount;
                MaxTimestamp = batch.MaxTimestamp;
                if ((batch.ProducerId, batch.ProducerEpoch, batch.BaseSequence) == (-1, (short)-1, -1))
                    return;
                ProducerId = batch.ProducerId;
                ProducerEpoch = batch.ProducerEpoch;
                BaseSequence = batch.BaseSequence + batch.OffsetCount;
            }
        }
    }
}
