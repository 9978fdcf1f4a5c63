using Warp.Actors.Persistence;
using Xunit;

namespace Warp.Specs.Contracts;

/// <summary>Objects that are registered before they are uploaded, and how they become live.</summary>
public abstract partial class JournalSpec
{
    private protected static readonly DateTimeOffset s_deadline = DateTimeOffset.FromUnixTimeMilliseconds(1_790_000_600_000);

    [Fact]
    public async Task A_registered_object_is_pending_and_registering_it_again_changes_nothing()
    {
        Assert.True(await RegisterAsync(s_deadline));
        Assert.True(await RegisterAsync(s_deadline + TimeSpan.FromMinutes(1)));

        Assert.Equal(Pending(s_deadline), await ReadObjectAsync(_object));
    }

    [Fact]
    public async Task A_deadline_moves_on_but_never_back()
    {
        await RegisterAsync(s_deadline);

        Assert.True(await Journal.RenewPendingAsync(_object, s_deadline + TimeSpan.FromMinutes(1), Cancellation));
        Assert.True(await Journal.RenewPendingAsync(_object, s_deadline - TimeSpan.FromMinutes(1), Cancellation));

        Assert.Equal(Pending(s_deadline + TimeSpan.FromMinutes(1)), await ReadObjectAsync(_object));
    }

    [Fact]
    public async Task A_deadline_that_has_passed_may_be_moved_on()
    {
        DateTimeOffset now = await Journal.ReadClockAsync(Cancellation);
        await RegisterAsync(now - TimeSpan.FromMinutes(1));

        Assert.True(await Journal.RenewPendingAsync(_object, now + TimeSpan.FromMinutes(1), Cancellation));

        Assert.Equal(Pending(now + TimeSpan.FromMinutes(1)), await ReadObjectAsync(_object));
    }

    [Fact]
    public async Task The_first_reference_makes_a_pending_object_live_and_ends_its_deadline()
    {
        await RegisterAsync(s_deadline);

        await ReferRegisteredAsync(3);
        await ReferRegisteredAsync(5);

        Assert.Equal(new ObjectRow(1234, 1, "live", (1UL << 3) | (1UL << 5), Released: false), await ReadObjectAsync(_object));
        Assert.False(await RegisterAsync(s_deadline));
        Assert.False(await Journal.RenewPendingAsync(_object, s_deadline, Cancellation));
    }

    [Fact]
    public async Task An_object_without_a_row_is_not_pending()
    {
        Assert.False(await Journal.RenewPendingAsync(_object, s_deadline, Cancellation));
        Assert.Null(await ReadObjectAsync(_object));
    }

    [Fact]
    public async Task A_reference_to_a_registered_object_is_refused_once_its_row_is_deleting_or_gone()
    {
        Fence fence = await TakeAsync(8);
        ActorWrite write = Refer(fence, "a", 1, ReferenceChange.AddRegistered, level: 1);
        AssertRefused(WriteRefusal.ObjectDeleting, await AppendAsync(write));
        Assert.Null(await ReadObjectAsync(_object));

        await RegisterAsync(s_deadline);
        await MarkDeletingAsync(_object);
        fence = await TakeAsync(8);
        IReadOnlyList<WriteResult> results = await Journal.AppendAsync(
            [write with { Fence = fence }, Write(fence, "b", 1, "one")], Cancellation);

        AssertRefused(WriteRefusal.ObjectDeleting, results[0]);
        Assert.Equal(WriteResult.Written, results[1]);
        Assert.Empty(await RecoverAsync("a"));
        Assert.False(await RegisterAsync(s_deadline));
        Assert.False(await Journal.RenewPendingAsync(_object, s_deadline, Cancellation));
        Assert.Equal("deleting", (await ReadObjectAsync(_object))!.State);
    }

    [Fact]
    public async Task A_swap_adds_its_output_and_drops_its_inputs_in_one_write()
    {
        await ReferAsync(7, ReferenceChange.Add);
        ObjectReference input = Refer(default, "", 1, ReferenceChange.Drop).References[0];
        ObjectReference output = input with
        {
            Id = Warp.Actors.Sequencing.ObjectId.Mint(s_deadline, new Random(2)), Level = 1, Change = ReferenceChange.AddRegistered,
        };
        Fence fence = await TakeAsync(7);
        ActorWrite swap = Write(fence, "a", 1, "x") with { References = [input, output] };

        AssertRefused(WriteRefusal.ObjectDeleting, await AppendAsync(swap));
        Assert.Equal(new ObjectRow(1234, 0, "live", 1UL << 7, Released: false), await ReadObjectAsync(_object));
        await Journal.RegisterPendingAsync(output.Id, 1, s_deadline, Cancellation);
        fence = await TakeAsync(7);
        Assert.Equal(WriteResult.Written, await AppendAsync(swap with { Fence = fence }));

        Assert.Equal(new ObjectRow(1234, 0, "live", 0, Released: true), await ReadObjectAsync(_object));
        Assert.Equal(new ObjectRow(1234, 1, "live", 1UL << 7, Released: false), await ReadObjectAsync(output.Id));
    }

    private protected ValueTask<bool> RegisterAsync(DateTimeOffset deadline) => Journal.RegisterPendingAsync(_object, 1, deadline, Cancellation);

    private async Task ReferRegisteredAsync(int shard)
    {
        ActorWrite write = Refer(await TakeAsync(shard), $"registered-{shard}", 1, ReferenceChange.AddRegistered, level: 1);
        Assert.Equal(WriteResult.Written, await AppendAsync(write));
    }

    private protected static ObjectRow Pending(DateTimeOffset deadline) =>
        new(0, 1, "pending", 0, Released: false) { DeadlineMs = deadline.ToUnixTimeMilliseconds() };
}
