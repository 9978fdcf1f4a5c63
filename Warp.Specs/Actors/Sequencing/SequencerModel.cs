using Warp.Actors.Sequencing;
using Warp.Protocol.Messages;

namespace Warp.Specs.Actors.Sequencing;

/// <summary>
/// What a sequencer should do, written down without regard for speed: a partition is the list of the batches that it was given, and a
/// producer the list of all that it wrote. It shares no code with the sequencer.
/// </summary>
internal sealed class SequencerModel
{
    private const long Ring = 1L << 31;

    private readonly Dictionary<TopicPartition, Partition> _partitions = [];

    public IReadOnlyDictionary<TopicPartition, Partition> Partitions => _partitions;

    public void Open(TopicPartition key) => _partitions.Add(key, new Partition());

    public void Delete(Guid topicId)
    {
        foreach (TopicPartition key in _partitions.Keys.Where(key => key.TopicId == topicId).ToList())
            _partitions.Remove(key);
    }

    public void ExpireProducers(long cutoffMs)
    {
        foreach (Partition partition in _partitions.Values)
        {
            foreach ((long id, Producer producer) in partition.Producers.ToList())
            {
                if (producer.LastWriteMs < cutoffMs)
                    partition.Producers.Remove(id);
            }
        }
    }

    /// <summary>Objects that have at least one batch that is not wholly below its log start.</summary>
    public HashSet<ObjectId> LiveObjects() =>
        [
            .. _partitions.Values.SelectMany(
                static partition => partition.Written.Where(batch => batch.Last >= partition.Start).Select(static b => b.Object)),
        ];

    /// <summary>Takes a batch, and gives its answer, or null when it has to wait.</summary>
    public (ErrorCode Error, long Offset)? Take(ObjectId objectId, BatchToCommit batch, bool patienceIsOver, long nowMs)
    {
        if (!_partitions.TryGetValue(batch.Partition, out Partition? partition))
            return (ErrorCode.UnknownTopicOrPartition, -1);
        if (batch.ProducerId < 0)
            return (ErrorCode.None, partition.Append(objectId, batch));

        if (!partition.Producers.TryGetValue(batch.ProducerId, out Producer? producer))
        {
            if (batch.BaseSequence != 0 && !patienceIsOver)
                return null;
            partition.Producers.Add(batch.ProducerId, producer = new Producer { Epoch = batch.ProducerEpoch });
            return Accept();
        }
        if (batch.ProducerEpoch < producer.Epoch)
            return (ErrorCode.InvalidProducerEpoch, -1);
        if (batch.ProducerEpoch > producer.Epoch)
        {
            if (batch.BaseSequence != 0)
                return patienceIsOver ? (ErrorCode.OutOfOrderSequenceNumber, -1) : null;
            producer.Epoch = batch.ProducerEpoch;
            producer.Batches.Clear();
            return Accept();
        }
        foreach ((long First, int Count, long Offset) known in producer.Batches.TakeLast(5))
        {
            if (known.First == batch.BaseSequence && known.Count == batch.OffsetCount)
                return (ErrorCode.None, known.Offset);
        }
        (long first, int count, _) = producer.Batches[^1];
        long distance = (batch.BaseSequence - (first + count) + (2 * Ring)) % Ring;
        if (distance == 0)
            return Accept();
        if (distance >= Ring / 2)
            return (ErrorCode.OutOfOrderSequenceNumber, -1);
        return patienceIsOver ? (ErrorCode.OutOfOrderSequenceNumber, -1) : null;

        (ErrorCode, long)? Accept()
        {
            long offset = partition.Append(objectId, batch);
            producer.Batches.Add((batch.BaseSequence, batch.OffsetCount, offset));
            producer.LastWriteMs = nowMs;
            return (ErrorCode.None, offset);
        }
    }

    internal sealed class Partition
    {
        public long Start { get; private set; }

        public long Next { get; private set; }

        public List<(long Base, long Last, ObjectId Object, long Position, int Length)> Written { get; } = [];

        public Dictionary<long, Producer> Producers { get; } = [];

        /// <summary>What lies side by side in one object and in the log, dead runs left out.</summary>
        public List<(long Base, long Last, ObjectId Object, long Position, int Length)> Runs()
        {
            var runs = new List<(long Base, long Last, ObjectId Object, long Position, int Length)>();
            foreach (var next in Written)
            {
                var last = runs.LastOrDefault();
                bool goesOn = last.Object == next.Object && last.Last + 1 == next.Base && last.Position + last.Length == next.Position;
                if (runs.Count > 0 && goesOn)
                    runs[^1] = (last.Base, next.Last, last.Object, last.Position, last.Length + next.Length);
                else
                    runs.Add(next);
            }
            return runs;
        }

        public void MoveStart(long offset)
        {
            Start = Math.Max(Start, offset);
            foreach (var run in Runs().Where(run => run.Last < Start))
                Written.RemoveAll(batch => batch.Base >= run.Base && batch.Last <= run.Last);
        }

        /// <summary>Takes copies for originals, if all originals that are not below the start are runs.</summary>
        public bool Replace(PartitionReplacement swap)
        {
            var runs = Runs();
            List<Extent> there = [.. swap.Replaced.Where(extent => extent.LastOffset >= Start)];
            if (!there.All(e => runs.Contains((e.BaseOffset, e.LastOffset, e.ObjectId, e.Position, (int)e.Length))))
                return false;
            foreach (Extent e in there)
                Written.RemoveAll(batch => batch.Base >= e.BaseOffset && batch.Last <= e.LastOffset);
            foreach (Extent e in swap.Added.Where(extent => extent.LastOffset >= Start))
                Written.Add((e.BaseOffset, e.LastOffset, e.ObjectId, e.Position, (int)e.Length));
            Written.Sort(static (one, other) => one.Base.CompareTo(other.Base));
            MoveStart(Start);
            return true;
        }

        public long Append(ObjectId objectId, BatchToCommit batch)
        {
            long offset = Next;
            Next += batch.OffsetCount;
            Written.Add((offset, Next - 1, objectId, batch.Position, batch.Length));
            return offset;
        }
    }

    internal sealed class Producer
    {
        public required short Epoch { get; set; }

        public long LastWriteMs { get; set; }

        public List<(long First, int Count, long Offset)> Batches { get; } = [];
    }
}
