using System.Runtime.InteropServices;
using Warp.Protocol.Messages;
using Warp.Protocol.Wire;

namespace Warp.Actors.Sequencing;

public sealed partial class ObjectCommitted
{
    public partial struct CommittedBatch
    {
        private const string Field = "ObjectCommitted.Batches";

        /// <summary>The least a packed batch takes: its shape, base offset and timestamp.</summary>
        private const int LeastBytes = 3;

        /// <summary>The least a batch takes in version 0: each of its numbers a byte, but for the error's and the epoch's two.</summary>
        private const int LeastBytesBefore = 14;

        /// <summary>The least a partition takes in version 0.</summary>
        private const int LeastPartitionBytesBefore = 19;

        /// <summary>Where it goes.</summary>
        public readonly TopicPartition Key => new(TopicId, Partition);

        private readonly bool HasProducer => (ProducerId, ProducerEpoch, BaseSequence) != (-1, (short)-1, -1);

        /// <summary>
        /// Writes the batches of all partitions as one list, each as far as it differs from what the one before lets expect: 10 to 15 bytes
        /// for a batch of a partition of its own, 3 for one that goes on in its partition. The layout is in <see cref="BatchShape"/>.
        /// </summary>
        internal static void WritePacked(WireWriter writer, List<CommittedBatch> batches, ObjectCommitted owner, short version)
        {
            if (version == 0)
            {
                WriteByPartition(writer, CollectionsMarshal.AsSpan(batches));
                return;
            }
            writer.WriteArrayCount(batches.Count, compact: true);
            var expected = new ExpectedBatch { MaxTimestamp = owner.Time };
            foreach (ref readonly CommittedBatch batch in CollectionsMarshal.AsSpan(batches))
                batch.Write(writer, ref expected);
        }

        /// <summary>Reads what <see cref="WritePacked"/> wrote.</summary>
        internal static List<CommittedBatch> ReadPacked(ref WireReader reader, ObjectCommitted owner, short version)
        {
            if (version == 0)
                return ReadByPartition(ref reader);
            int count = reader.ReadArrayCount(Field, compact: true, LeastBytes);
            var batches = new List<CommittedBatch>(WireReader.Capacity(count));
            var expected = new ExpectedBatch { MaxTimestamp = owner.Time };
            for (; count > 0; count--)
                batches.Add(Read(ref reader, ref expected));
            return batches;
        }

        private static bool Has(BatchShape shape, BatchShape flag) => (shape & flag) != 0;

        private readonly void Write(WireWriter writer, ref ExpectedBatch expected)
        {
            BatchShape shape = ShapeIn(expected);
            writer.WriteUvarint((uint)shape);
            if (Has(shape, BatchShape.NewTopic))
                writer.WriteUuid(TopicId);
            if (Has(shape, BatchShape.NewPartition))
            {
                writer.WriteVarint(Partition - (Has(shape, BatchShape.NewTopic) ? 0 : expected.Key!.Value.Partition));
                expected.BaseOffset = 0;
            }
            if (Has(shape, BatchShape.Index))
                writer.WriteVarlong((long)Index - expected.Index);
            if (Has(shape, BatchShape.Position))
                writer.WriteUvarlong((ulong)(Position - expected.Position));
            if (Has(shape, BatchShape.Length))
                writer.WriteVarlong((long)Length - expected.Length);
            if (Has(shape, BatchShape.OffsetCount))
                writer.WriteVarlong((long)OffsetCount - expected.OffsetCount);
            writer.WriteVarlong(BaseOffset - expected.BaseOffset);
            writer.WriteVarlong(MaxTimestamp - expected.MaxTimestamp);
            if (Has(shape, BatchShape.Producer))
            {
                writer.WriteVarlong(ProducerId - expected.ProducerId);
                writer.WriteVarint(ProducerEpoch - expected.ProducerEpoch);
                writer.WriteVarlong((long)BaseSequence - expected.BaseSequence);
            }
            if (Has(shape, BatchShape.Error))
                writer.WriteError(Error);
            expected.GoOnFrom(this);
        }

        private static CommittedBatch Read(ref WireReader reader, ref ExpectedBatch expected)
        {
            var shape = (BatchShape)reader.ReadUvarint(Field);
            TopicPartition key = ReadKey(ref reader, shape, ref expected);
            bool hasProducer = Has(shape, BatchShape.Producer);
            var batch = new CommittedBatch
            {
                TopicId = key.TopicId,
                Partition = key.Partition,
                Index = (int)(expected.Index + (Has(shape, BatchShape.Index) ? reader.ReadVarlong(Field) : 0)),
                Position = expected.Position + (Has(shape, BatchShape.Position) ? (long)reader.ReadUvarlong(Field) : 0),
                Length = (int)(expected.Length + (Has(shape, BatchShape.Length) ? reader.ReadVarlong(Field) : 0)),
                OffsetCount = (int)(expected.OffsetCount + (Has(shape, BatchShape.OffsetCount) ? reader.ReadVarlong(Field) : 0)),
                BaseOffset = expected.BaseOffset + reader.ReadVarlong(Field),
                MaxTimestamp = expected.MaxTimestamp + reader.ReadVarlong(Field),
                ProducerId = hasProducer ? expected.ProducerId + reader.ReadVarlong(Field) : -1,
                ProducerEpoch = hasProducer ? (short)(expected.ProducerEpoch + reader.ReadVarint(Field)) : (short)-1,
                BaseSequence = hasProducer ? (int)(expected.BaseSequence + reader.ReadVarlong(Field)) : -1,
                Duplicate = Has(shape, BatchShape.Duplicate),
                Error = Has(shape, BatchShape.Error) ? reader.ReadError(Field) : ErrorCode.None,
            };
            expected.GoOnFrom(batch);
            return batch;
        }

        private static TopicPartition ReadKey(ref WireReader reader, BatchShape shape, ref ExpectedBatch expected)
        {
            if (expected.Key is { } key && !Has(shape, BatchShape.NewPartition))
                return key;
            expected.BaseOffset = 0;
            if (expected.Key is { } before && !Has(shape, BatchShape.NewTopic))
                return before with { Partition = before.Partition + reader.ReadVarint(Field) };
            return new TopicPartition(reader.ReadUuid(Field), reader.ReadVarint(Field));
        }

        private readonly BatchShape ShapeIn(in ExpectedBatch expected)
        {
            BatchShape shape = default;
            if (expected.Key?.TopicId != TopicId)
                shape |= BatchShape.NewTopic;
            if (expected.Key != Key)
                shape |= BatchShape.NewPartition;
            if (Index != expected.Index)
                shape |= BatchShape.Index;
            if (Position != expected.Position)
                shape |= BatchShape.Position;
            if (Length != expected.Length)
                shape |= BatchShape.Length;
            if (OffsetCount != expected.OffsetCount)
                shape |= BatchShape.OffsetCount;
            if (HasProducer)
                shape |= BatchShape.Producer;
            if (Duplicate)
                shape |= BatchShape.Duplicate;
            if (Error != ErrorCode.None)
                shape |= BatchShape.Error;
            return shape;
        }

        private static void WriteByPartition(WireWriter writer, ReadOnlySpan<CommittedBatch> batches)
        {
            int partitions = 0;
            for (int from = 0; from < batches.Length; from += CountOfPartition(batches[from..]))
                partitions++;
            writer.WriteArrayCount(partitions, compact: true);
            while (!batches.IsEmpty)
            {
                int count = CountOfPartition(batches);
                writer.WriteUuid(batches[0].TopicId);
                writer.WriteVarint(batches[0].Partition);
                writer.WriteArrayCount(count, compact: true);
                foreach (ref readonly CommittedBatch batch in batches[..count])
                    batch.WriteWhole(writer);
                writer.WriteUvarint(0); // tagged fields
                batches = batches[count..];
            }
        }

        private static List<CommittedBatch> ReadByPartition(ref WireReader reader)
        {
            var batches = new List<CommittedBatch>();
            for (int partitions = reader.ReadArrayCount(Field, compact: true, LeastPartitionBytesBefore); partitions > 0; partitions--)
            {
                var key = new TopicPartition(reader.ReadUuid(Field), reader.ReadVarint(Field));
                for (int count = reader.ReadArrayCount(Field, compact: true, LeastBytesBefore); count > 0; count--)
                    batches.Add(ReadWhole(ref reader, key));
                reader.SkipTags(Field);
            }
            return batches;
        }

        private static int CountOfPartition(ReadOnlySpan<CommittedBatch> batches)
        {
            int count = 1;
            while (count < batches.Length && batches[count].Key == batches[0].Key)
                count++;
            return count;
        }

        private readonly void WriteWhole(WireWriter writer)
        {
            writer.WriteVarint(Index);
            writer.WriteError(Error);
            writer.WriteBool(Duplicate);
            writer.WriteVarlong(BaseOffset);
            writer.WriteVarlong(Position);
            writer.WriteVarint(Length);
            writer.WriteVarint(OffsetCount);
            writer.WriteVarlong(MaxTimestamp);
            writer.WriteVarlong(ProducerId);
            writer.WriteInt16(ProducerEpoch);
            writer.WriteVarint(BaseSequence);
            writer.WriteUvarint(0); // tagged fields
        }

        private static CommittedBatch ReadWhole(ref WireReader reader, TopicPartition key)
        {
            var batch = new CommittedBatch
            {
                TopicId = key.TopicId,
                Partition = key.Partition,
                Index = reader.ReadVarint(Field),
                Error = reader.ReadError(Field),
                Duplicate = reader.ReadBool(Field),
                BaseOffset = reader.ReadVarlong(Field),
                Position = reader.ReadVarlong(Field),
                Length = reader.ReadVarint(Field),
                OffsetCount = reader.ReadVarint(Field),
                MaxTimestamp = reader.ReadVarlong(Field),
                ProducerId = reader.ReadVarlong(Field),
                ProducerEpoch = reader.ReadInt16(Field),
                BaseSequence = reader.ReadVarint(Field),
            };
            reader.SkipTags(Field);
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
            /// <summary>Null in front of the first.</summary>
            public TopicPartition? Key;

            public int Index;
            public long Position;
            public int Length;
            public int OffsetCount;
            public long BaseOffset;
            public long MaxTimestamp;
            public long ProducerId;
            public short ProducerEpoch;
            public int BaseSequence;

            public void GoOnFrom(in CommittedBatch batch)
            {
                Key = batch.Key;
                Index = batch.Index + 1;
                Position = batch.Position + batch.Length;
                Length = batch.Length;
                OffsetCount = batch.OffsetCount;
                BaseOffset = batch.BaseOffset + batch.OffsetCount;
                MaxTimestamp = batch.MaxTimestamp;
                if (!batch.HasProducer)
                    return;
                ProducerId = batch.ProducerId;
                ProducerEpoch = batch.ProducerEpoch;
                BaseSequence = batch.BaseSequence + batch.OffsetCount;
            }
        }
    }
}
