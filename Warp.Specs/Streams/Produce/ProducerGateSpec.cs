using Warp.Actors.Sequencing;
using Warp.Protocol.Messages;
using Warp.Streams.Produce;
using Xunit;

namespace Warp.Specs.Streams.Produce;

public sealed class ProducerGateSpec
{
    private const long Producer = 1000;

    private static readonly TimeSpan s_memory = TimeSpan.FromMinutes(2);
    private static readonly TopicPartition s_partition = new(new Guid(1, 0, 0, [1, 2, 3, 4, 5, 6, 7, 8]), 0);

    private readonly SampleBatches _batches = new();
    private readonly ProducerGate _gate = new(s_memory);

    [Fact]
    public void Later_batches_fail_with_the_same_error_until_the_failed_one_comes_again()
    {
        Fail(sequence: 10, error: ErrorCode.NotLeaderOrFollower);
        Assert.Equal(ErrorCode.NotLeaderOrFollower, Ask(sequence: 11));
        Assert.Equal(ErrorCode.NotLeaderOrFollower, Ask(sequence: 15));
        Assert.Equal(ErrorCode.NotLeaderOrFollower, Ask(sequence: 10 + (1 << 29)));

        Assert.Equal(ErrorCode.None, Ask(sequence: 10));
        Assert.Equal(ErrorCode.None, Ask(sequence: 11));
        Assert.Equal(ErrorCode.None, Ask(sequence: 15));
    }

    [Fact]
    public void The_first_of_several_failures_is_the_one_that_is_waited_for()
    {
        Fail(sequence: 10);
        Fail(sequence: 11);
        Fail(sequence: 12);
        Assert.NotEqual(ErrorCode.None, Ask(sequence: 12));
        Assert.Equal(ErrorCode.None, Ask(sequence: 10));
        Assert.Equal(ErrorCode.None, Ask(sequence: 11));
    }

    [Fact]
    public void A_batch_that_fails_once_more_is_waited_for_once_more()
    {
        Fail(sequence: 10);
        Assert.Equal(ErrorCode.None, Ask(sequence: 10));
        Fail(sequence: 10);
        Assert.NotEqual(ErrorCode.None, Ask(sequence: 11));
        Assert.Equal(ErrorCode.None, Ask(sequence: 10));
    }

    [Fact]
    public void What_the_sequencer_has_is_waited_for_no_longer()
    {
        Fail(sequence: 10);
        _gate.Seen(s_partition, Producer, epoch: 3, lastSequence: 9);
        _gate.Seen(s_partition, Producer, epoch: 3, lastSequence: -1);
        _gate.Seen(s_partition, Producer + 1, epoch: 3, lastSequence: 20);
        Assert.NotEqual(ErrorCode.None, Ask(sequence: 11));

        _gate.Seen(s_partition, Producer, epoch: 3, lastSequence: 10);

        Assert.Equal(ErrorCode.None, Ask(sequence: 11));
    }

    [Fact]
    public void An_older_batch_that_is_sent_once_more_passes_and_opens_nothing()
    {
        Fail(sequence: 10);
        Assert.Equal(ErrorCode.None, Ask(sequence: 9));
        Assert.NotEqual(ErrorCode.None, Ask(sequence: 11));
    }

    [Fact]
    public void Sequence_numbers_wrap_around()
    {
        Fail(sequence: int.MaxValue - 4);
        Assert.NotEqual(ErrorCode.None, Ask(sequence: int.MaxValue));
        Assert.NotEqual(ErrorCode.None, Ask(sequence: 0));
        Assert.NotEqual(ErrorCode.None, Ask(sequence: 5));
        Assert.Equal(ErrorCode.None, Ask(sequence: int.MaxValue - 9));
        Assert.NotEqual(ErrorCode.None, Ask(sequence: 0));
        Assert.Equal(ErrorCode.None, Ask(sequence: int.MaxValue - 4));
        Assert.Equal(ErrorCode.None, Ask(sequence: 0));
    }

    [Fact]
    public void A_producer_with_a_new_epoch_starts_over()
    {
        Fail(sequence: 10, epoch: 3);
        Assert.Equal(ErrorCode.None, Ask(sequence: 0, epoch: 4));
        Assert.Equal(ErrorCode.None, Ask(sequence: 1, epoch: 4));
    }

    [Fact]
    public void A_failure_under_a_new_epoch_takes_the_place_of_the_old_ones()
    {
        Fail(sequence: 10, epoch: 3);
        Fail(sequence: 0, epoch: 4);
        Assert.NotEqual(ErrorCode.None, Ask(sequence: 1, epoch: 4));
        Assert.Equal(ErrorCode.None, Ask(sequence: 0, epoch: 4));
        Assert.Equal(ErrorCode.None, Ask(sequence: 1, epoch: 4));
    }

    [Fact]
    public void A_leftover_of_an_old_epoch_changes_nothing()
    {
        Fail(sequence: 0, epoch: 4);
        Assert.Equal(ErrorCode.None, Ask(sequence: 11, epoch: 3));
        Fail(sequence: 12, epoch: 3);
        Assert.NotEqual(ErrorCode.None, Ask(sequence: 1, epoch: 4));
    }

    [Fact]
    public void Other_partitions_and_other_producers_are_not_touched()
    {
        Fail(sequence: 10);
        Assert.Equal(ErrorCode.None, Ask(sequence: 11, partition: s_partition with { Partition = 1 }));
        Assert.Equal(ErrorCode.None, Ask(sequence: 11, producer: Producer + 1));
        Assert.NotEqual(ErrorCode.None, Ask(sequence: 11));
    }

    [Fact]
    public void Producers_without_idempotence_are_not_touched()
    {
        PendingBatch batch = _batches.Pending(s_partition, SampleBatches.Build("a"));
        _gate.Failed(batch, ErrorCode.KafkaStorageError, TimeSpan.Zero);
        Assert.True(_gate.Admits(batch, TimeSpan.Zero, out _));
    }

    [Fact]
    public void A_failure_is_forgotten_in_the_end()
    {
        Fail(sequence: 10, at: TimeSpan.FromSeconds(5));
        Assert.NotEqual(ErrorCode.None, Ask(sequence: 11, at: TimeSpan.FromSeconds(5) + s_memory));
        Assert.Equal(ErrorCode.None, Ask(sequence: 11, at: TimeSpan.FromSeconds(5) + s_memory + TimeSpan.FromTicks(1)));
    }

    [Fact]
    public void A_failure_after_one_that_is_forgotten_counts()
    {
        Fail(sequence: 10);
        TimeSpan later = s_memory + s_memory;
        Fail(sequence: 20, at: later);
        Assert.NotEqual(ErrorCode.None, Ask(sequence: 21, at: later));
        Assert.Equal(ErrorCode.None, Ask(sequence: 20, at: later));
        Assert.Equal(ErrorCode.None, Ask(sequence: 21, at: later));
    }

    private void Fail(int sequence, short epoch = 3, ErrorCode error = ErrorCode.KafkaStorageError, TimeSpan at = default) =>
        _gate.Failed(Batch(sequence, epoch, s_partition, Producer), error, at);

    private ErrorCode Ask(int sequence, short epoch = 3, TopicPartition? partition = null, long producer = Producer, TimeSpan at = default)
    {
        bool admitted = _gate.Admits(Batch(sequence, epoch, partition ?? s_partition, producer), at, out ErrorCode error);
        Assert.Equal(admitted, error == ErrorCode.None);
        return error;
    }

    private PendingBatch Batch(int sequence, short epoch, TopicPartition partition, long producer) =>
        _batches.Pending(partition, SampleBatches.Build(producer, epoch, sequence, "a"));
}
