using Warp.Actors.Persistence;
using Warp.Actors.Sequencing;
using Xunit;

namespace Warp.Specs.Contracts;

/// <summary>Rule 8: which shards point into an object.</summary>
public abstract partial class JournalSpec
{
    private static readonly ObjectId _object = ObjectId.Mint(DateTimeOffset.FromUnixTimeMilliseconds(1_790_000_000_000), new Random(1));

    [Fact]
    public async Task The_first_reference_makes_the_objects_row_and_each_shard_has_a_bit_of_its_own()
    {
        await ReferAsync(0, ReferenceChange.Add);
        await ReferAsync(63, ReferenceChange.Add);

        Assert.Equal(new ObjectRow(1234, 0, "live", (1UL << 63) | 1, Released: false), await ReadObjectAsync(_object));
    }

    [Fact]
    public async Task An_object_is_released_when_the_last_shard_drops_it()
    {
        await ReferAsync(0, ReferenceChange.Add);
        await ReferAsync(63, ReferenceChange.Add);

        await ReferAsync(63, ReferenceChange.Drop);
        Assert.Equal(new ObjectRow(1234, 0, "live", 1, Released: false), await ReadObjectAsync(_object));
        await ReferAsync(0, ReferenceChange.Drop);

        Assert.Equal(new ObjectRow(1234, 0, "live", 0, Released: true), await ReadObjectAsync(_object));
    }

    [Fact]
    public async Task A_new_reference_takes_a_release_back()
    {
        await ReferAsync(7, ReferenceChange.Add);
        await ReferAsync(7, ReferenceChange.Drop);

        await ReferAsync(8, ReferenceChange.Add);

        Assert.Equal(new ObjectRow(1234, 0, "live", 1UL << 8, Released: false), await ReadObjectAsync(_object));
    }

    [Fact]
    public async Task A_reference_to_an_object_that_is_being_deleted_is_refused_with_its_events_and_nothing_else()
    {
        await ReferAsync(7, ReferenceChange.Add);
        await ReferAsync(7, ReferenceChange.Drop);
        await MarkDeletingAsync(_object);
        Fence fence = await TakeAsync(8);

        IReadOnlyList<WriteResult> results = await Journal.AppendAsync(
            [Refer(fence, "a", 1, ReferenceChange.Add), Write(fence, "b", 1, "one")], Cancellation);

        AssertRefused(WriteRefusal.ObjectDeleting, results[0]);
        Assert.Equal(WriteResult.Written, results[1]);
        Assert.Empty(await RecoverAsync("a"));
        Assert.Equal(["one"], await RecoverAsync("b"));
        Assert.Equal(new ObjectRow(1234, 0, "deleting", 0, Released: true), await ReadObjectAsync(_object));
    }

    [Fact]
    public async Task A_reference_may_be_dropped_while_the_object_is_being_deleted()
    {
        await ReferAsync(7, ReferenceChange.Add);
        await MarkDeletingAsync(_object);

        await ReferAsync(7, ReferenceChange.Drop);

        Assert.Equal(new ObjectRow(1234, 0, "deleting", 0, Released: true), await ReadObjectAsync(_object));
    }

    [Fact]
    public async Task A_write_that_is_refused_changes_no_reference()
    {
        Fence fence = await TakeAsync(7);

        AssertRefused(WriteRefusal.SequenceConflict, await AppendAsync(Refer(fence, "a", 2, ReferenceChange.Add)));
        Assert.Null(await ReadObjectAsync(_object));
        await ReferAsync(7, ReferenceChange.Add);
        AssertRefused(WriteRefusal.Fenced, await AppendAsync(Refer(fence, "b", 1, ReferenceChange.Drop)));

        Assert.Equal(new ObjectRow(1234, 0, "live", 1UL << 7, Released: false), await ReadObjectAsync(_object));
    }

    private async Task ReferAsync(int shard, ReferenceChange change) =>
        Assert.Equal(WriteResult.Written, await AppendAsync(Refer(await TakeAsync(shard), $"{change}-{shard}", 1, change)));

    private static ActorWrite Refer(Fence fence, string persistenceId, long first, ReferenceChange change, int level = 0) =>
        Write(fence, persistenceId, first, "x") with { References = [new ObjectReference(_object, 1234, level, change)] };
}
