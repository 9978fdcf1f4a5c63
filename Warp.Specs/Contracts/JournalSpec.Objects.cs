using Warp.Actors.Persistence;
using Warp.Actors.Sequencing;
using Xunit;

namespace Warp.Specs.Contracts;

/// <summary>Rule 8: which shards point into an object.</summary>
public abstract partial class JournalSpec
{
    private protected static readonly ObjectId _object = ObjectId.Mint(DateTimeOffset.FromUnixTimeMilliseconds(1_790_000_000_000), new Random(1));

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

    [Fact]
    public async Task All_shards_refer_to_an_object_in_one_append()
    {
        IReadOnlyList<Fence> fences = await Journal.TakeOverAsync(Node, [.. Enumerable.Range(0, 64)], _lease, Cancellation);

        Assert.All(
            await Journal.AppendAsync([.. fences.Select(fence => Refer(fence, $"a-{fence.ShardId}", 1, ReferenceChange.Add))], Cancellation),
            static result => Assert.Equal(WriteResult.Written, result));

        Assert.Equal(new ObjectRow(1234, 0, "live", ulong.MaxValue, Released: false), await ReadObjectAsync(_object));
    }

    [Fact]
    public async Task Of_several_changes_of_a_shard_in_one_append_the_last_one_counts()
    {
        Fence first = await TakeAsync(3);
        Fence second = await TakeAsync(4);

        await AllWrittenAsync(
            Refer(first, "a", 1, ReferenceChange.Add), Refer(second, "b", 1, ReferenceChange.Add), Refer(first, "c", 1, ReferenceChange.Drop));
        Assert.Equal(new ObjectRow(1234, 0, "live", 1UL << 4, Released: false), await ReadObjectAsync(_object));
        first = await TakeAsync(3);
        second = await TakeAsync(4);
        await AllWrittenAsync(
            Refer(first, "a", 2, ReferenceChange.Drop), Refer(second, "b", 2, ReferenceChange.Drop), Refer(first, "c", 2, ReferenceChange.Add));
        Assert.Equal(new ObjectRow(1234, 0, "live", 1UL << 3, Released: false), await ReadObjectAsync(_object));
        first = await TakeAsync(3);
        await AllWrittenAsync(Refer(first, "a", 3, ReferenceChange.Add), Refer(first, "c", 3, ReferenceChange.Drop));
        Assert.Equal(new ObjectRow(1234, 0, "live", 0, Released: true), await ReadObjectAsync(_object));
    }

    [Fact]
    public async Task An_object_that_is_made_and_dropped_in_one_append_is_released()
    {
        Fence fence = await TakeAsync(3);

        await AllWrittenAsync(Refer(fence, "a", 1, ReferenceChange.Add), Refer(fence, "b", 1, ReferenceChange.Drop));

        Assert.Equal(new ObjectRow(1234, 0, "live", 0, Released: true), await ReadObjectAsync(_object));
    }

    [Fact]
    public async Task Dropping_an_object_without_a_row_makes_none()
    {
        await ReferAsync(3, ReferenceChange.Drop);

        Assert.Null(await ReadObjectAsync(_object));
    }

    [Fact]
    public async Task A_refused_write_changes_nothing_of_what_the_others_of_its_append_refer_to()
    {
        Fence old = await TakeAsync(5);
        await TakeAsync(5);
        Fence fence = await TakeAsync(6);

        IReadOnlyList<WriteResult> results = await Journal.AppendAsync(
            [Refer(old, "a", 1, ReferenceChange.Add), Refer(fence, "b", 1, ReferenceChange.Add), Refer(fence, "c", 2, ReferenceChange.Drop)],
            Cancellation);

        Assert.Equal(
            [WriteRefusal.Fenced, WriteRefusal.None, WriteRefusal.SequenceConflict], results.Select(static result => result.Refusal));
        Assert.Equal(new ObjectRow(1234, 0, "live", 1UL << 6, Released: false), await ReadObjectAsync(_object));
    }

    private async Task AllWrittenAsync(params ActorWrite[] writes) => Assert.All(
        await Journal.AppendAsync(writes, Cancellation), static result => Assert.Equal(WriteResult.Written, result));

    private protected async Task ReferAsync(int shard, ReferenceChange change) =>
        Assert.Equal(WriteResult.Written, await AppendAsync(Refer(await TakeAsync(shard), $"{change}-{shard}", 1, change)));

    private protected static ActorWrite Refer(Fence fence, string persistenceId, long first, ReferenceChange change, int level = 0) =>
        Write(fence, persistenceId, first, "x") with { References = [new ObjectReference(_object, 1234, level, change)] };
}
