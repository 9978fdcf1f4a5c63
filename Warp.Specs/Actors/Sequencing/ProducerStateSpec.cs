using Warp.Actors.Sequencing;
using Xunit;

namespace Warp.Specs.Actors.Sequencing;

public sealed class ProducerStateSpec
{
    [Theory]
    [InlineData(0, 10, SequenceVerdict.InOrder)]
    [InlineData(1, 1, SequenceVerdict.Ahead)]
    [InlineData(int.MaxValue, 1, SequenceVerdict.Ahead)]
    public void A_producer_never_seen_starts_at_0(int first, int count, SequenceVerdict expected) =>
        Assert.Equal(expected, default(ProducerState).Judge(0, first, count, out _));

    [Theory]
    [InlineData(30, 10, SequenceVerdict.InOrder)]
    [InlineData(31, 10, SequenceVerdict.Ahead)]
    [InlineData(30 + (1 << 30) - 1, 1, SequenceVerdict.Ahead)]
    [InlineData(30 + (1 << 30), 1, SequenceVerdict.OutOfOrder)]
    [InlineData(20, 10, SequenceVerdict.Duplicate)]
    [InlineData(0, 10, SequenceVerdict.Duplicate)]
    [InlineData(20, 9, SequenceVerdict.OutOfOrder)]
    [InlineData(20, 11, SequenceVerdict.OutOfOrder)]
    [InlineData(25, 10, SequenceVerdict.OutOfOrder)]
    public void A_batch_is_judged_by_what_was_written_before(int first, int count, SequenceVerdict expected) =>
        Assert.Equal(expected, Written(0, 10, 20).Judge(0, first, count, out _));

    [Fact]
    public void A_duplicate_is_known_by_the_offset_that_it_got_the_first_time()
    {
        Assert.Equal(SequenceVerdict.Duplicate, Written(0, 10, 20).Judge(0, 10, 10, out long offset));
        Assert.Equal(1010, offset);
    }

    [Fact]
    public void Five_batches_are_remembered_and_no_more()
    {
        ProducerState state = Written(0, 10, 20, 30, 40, 50);

        Assert.Equal(5, state.Count);
        Assert.Equal(SequenceVerdict.OutOfOrder, state.Judge(0, 0, 10, out _));
        foreach (int first in (int[])[10, 20, 30, 40, 50])
            Assert.Equal(SequenceVerdict.Duplicate, state.Judge(0, first, 10, out _));
    }

    [Fact]
    public void A_new_epoch_starts_at_0_and_forgets_the_old_one()
    {
        ProducerState state = Written(0, 10);
        Assert.Equal(SequenceVerdict.Ahead, state.Judge(1, 20, 10, out _));
        Assert.Equal(SequenceVerdict.InOrder, state.Judge(1, 0, 10, out _));

        state.Append(1, 0, 9, 500, 0);

        Assert.Equal((1, 1), (state.Epoch, state.Count));
        Assert.Equal(SequenceVerdict.StaleEpoch, state.Judge(0, 10, 10, out _));
        Assert.Equal(SequenceVerdict.Duplicate, state.Judge(1, 0, 10, out long offset));
        Assert.Equal(500, offset);
    }

    [Fact]
    public void Sequence_numbers_wrap_from_the_highest_int_to_0()
    {
        Assert.Equal(int.MaxValue, ProducerState.LastSequence(int.MaxValue - 4, 5));
        Assert.Equal(0, ProducerState.LastSequence(int.MaxValue - 4, 6));
        var state = new ProducerState();
        state.Append(0, int.MaxValue - 4, ProducerState.LastSequence(int.MaxValue - 4, 10), 700, 0);

        Assert.Equal(SequenceVerdict.InOrder, state.Judge(0, 5, 10, out _));
        Assert.Equal(SequenceVerdict.Ahead, state.Judge(0, 6, 10, out _));
        Assert.Equal(SequenceVerdict.Duplicate, state.Judge(0, int.MaxValue - 4, 10, out _));
        Assert.Equal(SequenceVerdict.OutOfOrder, state.Judge(0, int.MaxValue, 1, out _));
    }

    [Fact]
    public void A_batch_that_ends_at_the_highest_int_is_followed_by_0()
    {
        var state = new ProducerState();
        state.Append(0, int.MaxValue - 9, int.MaxValue, 700, 0);

        Assert.Equal(SequenceVerdict.InOrder, state.Judge(0, 0, 1, out _));
    }

    [Theory]
    [InlineData(1, 0, true)]
    [InlineData(0, 1, false)]
    [InlineData(0, 0, false)]
    [InlineData(0, int.MaxValue, true)]
    [InlineData(int.MaxValue, 0, false)]
    public void Numbers_are_ahead_of_each_other_round_the_ring(int one, int other, bool ahead) =>
        Assert.Equal(ahead, ProducerState.IsAhead(one, other));

    /// <summary>Batches of ten, each at offset 1000 + its first sequence number.</summary>
    private static ProducerState Written(params int[] firsts)
    {
        var state = new ProducerState();
        foreach (int first in firsts)
            state.Append(0, first, first + 9, 1000 + first, 0);
        return state;
    }
}
