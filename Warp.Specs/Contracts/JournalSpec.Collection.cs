using Warp.Actors.Persistence;
using Warp.Actors.Sequencing;
using Warp.Specs.Hosting;
using Xunit;
using ListedRow = Warp.Actors.Persistence.ObjectRow;

namespace Warp.Specs.Contracts;

/// <summary>Rows of objects that are collected.</summary>
public abstract partial class JournalSpec
{
    private protected const int CollectorShard = 1002;

    private static readonly TimeSpan _grace = TimeSpan.FromMinutes(15);

    [Fact]
    public async Task A_released_object_is_found_and_turned_to_deleting_once_the_grace_has_passed()
    {
        Fence collector = await TakeAsync(CollectorShard);
        await ReferAsync(7, ReferenceChange.Add);
        Assert.Empty(await ListAsync(ObjectRowKind.Released, TimeSpan.Zero));
        await ReferAsync(7, ReferenceChange.Drop);

        await PassRenewingAsync(collector, _grace - Moment);
        Assert.Empty(await ListAsync(ObjectRowKind.Released, _grace));
        Assert.Empty(await Journal.BeginDeletingAsync(collector, [_object], _grace, Cancellation));
        await PassRenewingAsync(collector, Moment);
        ListedRow row = Assert.Single(await ListAsync(ObjectRowKind.Released, _grace));
        Assert.Equal(new ListedRow(_object, 1234, 0, ObjectState.Live, 0, null, row.ReleasedAt, null), row);
        await AssertAgeAsync(_grace, row.ReleasedAt);
        Assert.Equal([_object], await Journal.BeginDeletingAsync(collector, [_object], _grace, Cancellation));

        Assert.Empty(await ListAsync(ObjectRowKind.Released, _grace));
        Assert.Equal([row with { State = ObjectState.Deleting }], await ListAsync(ObjectRowKind.Deleting, TimeSpan.Zero));
        Assert.Empty(await Journal.BeginDeletingAsync(collector, [_object], _grace, Cancellation));
        Fence other = await TakeAsync(8);
        AssertRefused(WriteRefusal.ObjectDeleting, await AppendAsync(Refer(other, "late", 1, ReferenceChange.Add)));
    }

    [Fact]
    public async Task An_object_that_is_referred_to_again_after_it_was_found_is_not_turned()
    {
        Fence collector = await TakeAsync(CollectorShard);
        await ReferAsync(7, ReferenceChange.Add);
        await ReferAsync(7, ReferenceChange.Drop);
        await PassRenewingAsync(collector, _grace);
        Assert.Single(await ListAsync(ObjectRowKind.Released, _grace));

        await ReferAsync(8, ReferenceChange.Add);
        Assert.Empty(await Journal.BeginDeletingAsync(collector, [_object], _grace, Cancellation));
        await ReferAsync(8, ReferenceChange.Drop);
        Assert.Empty(await Journal.BeginDeletingAsync(collector, [_object], _grace, Cancellation));
        await PassRenewingAsync(collector, _grace);
        Assert.Equal([_object], await Journal.BeginDeletingAsync(collector, [_object], _grace, Cancellation));
    }

    [Fact]
    public async Task Two_shards_that_release_an_object_in_one_append_release_it_once()
    {
        Fence first = await TakeAsync(3);
        Fence second = await TakeAsync(4);
        Assert.All(
            await Journal.AppendAsync([Refer(first, "a", 1, ReferenceChange.Add), Refer(second, "b", 1, ReferenceChange.Add)], Cancellation),
            static result => Assert.Equal(WriteResult.Written, result));
        Assert.Empty(await ListAsync(ObjectRowKind.Released, TimeSpan.Zero));

        Assert.All(
            await Journal.AppendAsync([Refer(first, "a", 2, ReferenceChange.Drop), Refer(second, "b", 2, ReferenceChange.Drop)], Cancellation),
            static result => Assert.Equal(WriteResult.Written, result));

        Assert.Equal(0UL, Assert.Single(await ListAsync(ObjectRowKind.Released, TimeSpan.Zero)).LiveShards);
    }

    [Fact]
    public async Task A_tombstone_is_made_only_for_an_object_without_a_row_and_keeps_its_commit_out()
    {
        Fence collector = await TakeAsync(CollectorShard);
        var (committed, orphan) = (NewObject(1), NewObject(2));
        Fence shard = await TakeAsync(7);
        await AppendAsync(shard, "a", 1, "x");
        ActorWrite Adding(ObjectId id, long number) =>
            Write(shard, "a", number, "x") with { References = [new ObjectReference(id, 5, 0, ReferenceChange.Add)] };
        Assert.Equal(WriteResult.Written, await AppendAsync(Adding(committed, 2)));

        IReadOnlyList<ObjectId> won = await Journal.InsertDeletingAsync(
            collector, [new OrphanObject(committed, 5, 0), new OrphanObject(orphan, 6, 2)], Cancellation);

        Assert.Equal([orphan], won);
        AssertRefused(WriteRefusal.ObjectDeleting, await AppendAsync(Adding(orphan, 3)));
        Assert.Equal(WriteResult.Written, await AppendAsync(Adding(committed, 3)));
        Assert.Empty(await Journal.InsertDeletingAsync(collector, [new OrphanObject(orphan, 6, 2)], Cancellation));
        ListedRow row = Assert.Single(await ListAsync(ObjectRowKind.Deleting, TimeSpan.Zero));
        Assert.Equal(new ListedRow(orphan, 6, 2, ObjectState.Deleting, 0, null, null, null), row);
    }

    [Fact]
    public async Task A_tombstone_stays_for_its_time_after_the_object_is_gone()
    {
        Fence collector = await TakeAsync(CollectorShard);
        await Journal.InsertDeletingAsync(collector, [new OrphanObject(_object, 6, 1)], Cancellation);
        await PassRenewingAsync(collector, _grace);
        Assert.Empty(await ListAsync(ObjectRowKind.Deleted, TimeSpan.Zero));
        await Journal.RemoveTombstonesAsync(collector, [_object], TimeSpan.Zero, Cancellation);

        await Journal.ConfirmDeletedAsync(collector, [_object], Cancellation);
        Assert.Empty(await ListAsync(ObjectRowKind.Deleting, TimeSpan.Zero));
        await PassRenewingAsync(collector, _grace - Moment);
        Assert.Empty(await ListAsync(ObjectRowKind.Deleted, _grace));
        await Journal.RemoveTombstonesAsync(collector, [_object], _grace, Cancellation);
        await PassRenewingAsync(collector, Moment);
        await AssertAgeAsync(_grace, Assert.Single(await ListAsync(ObjectRowKind.Deleted, _grace)).DeletedAt);
        await Journal.RemoveTombstonesAsync(collector, [_object], _grace, Cancellation);

        Assert.Empty(await ListAsync(ObjectRowKind.All, TimeSpan.Zero));
    }

    [Fact]
    public async Task A_collector_whose_epoch_has_passed_changes_nothing()
    {
        Fence old = await TakeAsync(CollectorShard);
        await ReferAsync(7, ReferenceChange.Add);
        await ReferAsync(7, ReferenceChange.Drop);
        var orphan = NewObject(3);
        Fence current = await TakeAsync(CollectorShard);

        Assert.Empty(await Journal.BeginDeletingAsync(old, [_object], TimeSpan.Zero, Cancellation));
        Assert.Empty(await Journal.InsertDeletingAsync(old, [new OrphanObject(orphan, 1, 0)], Cancellation));
        Assert.Equal([_object], await Journal.BeginDeletingAsync(current, [_object], TimeSpan.Zero, Cancellation));
        await Journal.ConfirmDeletedAsync(old, [_object], Cancellation);
        Assert.Null(Assert.Single(await ListAsync(ObjectRowKind.All, TimeSpan.Zero)).DeletedAt);
        await Journal.ConfirmDeletedAsync(current, [_object], Cancellation);
        await Journal.RemoveTombstonesAsync(old, [_object], TimeSpan.Zero, Cancellation);
        Assert.Equal(_object, Assert.Single(await ListAsync(ObjectRowKind.Deleted, TimeSpan.Zero)).Id);
    }

    [Theory]
    [InlineData(ObjectRowKind.All)]
    [InlineData(ObjectRowKind.Released)]
    [InlineData(ObjectRowKind.Deleting)]
    [InlineData(ObjectRowKind.Deleted)]
    public async Task Rows_come_in_pages_each_once(ObjectRowKind kind)
    {
        Fence collector = await TakeAsync(CollectorShard);
        Fence shard = await TakeAsync(0);
        ObjectId[] ids = [.. Enumerable.Range(0, 10).Select(NewObject).OrderBy(static id => id.Value)];
        for (int i = 0; i < ids.Length; i++)
        {
            // Some in the same millisecond, some not.
            await PassAsync(TimeSpan.FromMilliseconds(i % 3 == 0 ? 1 : 0));
            var add = new ObjectReference(ids[i], 1, 0, ReferenceChange.Add);
            await AppendAsync(Write(shard, "a", (2 * i) + 1, "x") with { References = [add] });
            await AppendAsync(Write(shard, "a", (2 * i) + 2, "x") with { References = [add with { Change = ReferenceChange.Drop }] });
        }
        if (kind is ObjectRowKind.Deleting or ObjectRowKind.Deleted)
            Assert.Equal(ids, await Journal.BeginDeletingAsync(collector, ids, TimeSpan.Zero, Cancellation));
        if (kind is ObjectRowKind.Deleted)
            await Journal.ConfirmDeletedAsync(collector, ids, Cancellation);

        var found = new List<ObjectId>();
        for (ListedRow? last = null; ;)
        {
            IReadOnlyList<ListedRow> page = await Journal.ListObjectsAsync(kind, TimeSpan.Zero, last, 4, Cancellation);
            found.AddRange(page.Select(static row => row.Id));
            if (page.Count < 4)
                break;
            last = page[^1];
        }
        Assert.Equal(ids, found.OrderBy(static id => id.Value));
        IReadOnlyList<ListedRow> named = await Journal.FindObjectsAsync([ids[3], NewObject(99), ids[7]], Cancellation);
        Assert.Equal([ids[3], ids[7]], named.Select(static row => row.Id));
    }

    /// <summary>Lets the time pass, as it does for an owner that renews its leases.</summary>
    private async Task PassRenewingAsync(Fence held, TimeSpan time)
    {
        await PassAsync(time);
        Assert.Equal([held], await Journal.RenewAsync(Node, [held], _lease, Cancellation));
    }

    private protected static ObjectId NewObject(int seed) => ObjectId.Mint(DateTimeOffset.FromUnixTimeMilliseconds(1_790_000_000_000), new Random(seed));

    private ValueTask<IReadOnlyList<ListedRow>> ListAsync(ObjectRowKind kind, TimeSpan age) =>
        Journal.ListObjectsAsync(kind, age, null, 100, Cancellation);
}
