using Warp.Specs.Contracts;
using Warp.Specs.Hosting;
using Warp.Specs.Streams.Produce;
using Warp.Streams.Objects;
using Warp.Streams.Objects.Quorum;
using Warp.Streams.Objects.Resilience;
using Xunit;

namespace Warp.Specs.Streams.Objects.Quorum;

/// <summary>The contract of stores, kept by a quorum of three that are well; and what happens when they are not.</summary>
public sealed class QuorumObjectStoreSpec : ObjectStoreSpec
{
    private readonly ScriptedObjectStore[] _stores = [new(), new(), new()];
    private readonly ManualTime _time = new();

    protected override Task<IObjectStore> OpenAsync() => Task.FromResult<IObjectStore>(Quorum(_stores));

    [Fact]
    public async Task A_put_is_done_when_a_majority_has_it_and_a_slow_store_is_not_waited_for_beyond_the_grace()
    {
        var quorum = Quorum(_stores[0], new StalledObjectStore(), _stores[2]);

        Task<PutOutcome> put = quorum.PutAsync("key", [new byte[3]], Cancellation);
        await Wait.UntilAsync(() => _time.HasTimerIn(QuorumObjectStore.DefaultGrace), TimeSpan.FromSeconds(30), "the grace");
        Assert.False(put.IsCompleted);
        _time.Advance(QuorumObjectStore.DefaultGrace);

        Assert.Equal(PutOutcome.Stored, await put);
    }

    [Fact]
    public async Task A_store_that_is_still_writing_after_the_grace_keeps_the_bytes_until_it_has_ended()
    {
        var writing = new StubbornObjectStore();
        var quorum = Quorum(_stores[0], writing, _stores[2]);
        byte[] bytes = [1, 2, 3];

        Task put = ReuseAfterwardsAsync();
        await Wait.UntilAsync(() => _time.HasTimerIn(QuorumObjectStore.DefaultGrace), TimeSpan.FromSeconds(30), "the grace");
        _time.Advance(QuorumObjectStore.DefaultGrace);
        await writing.WhenCancelled;
        // That it does not end shows by nothing but time; one that did not wait would end within moments.
        await Task.WhenAny(put, Task.Delay(250, Cancellation));
        Assert.False(put.IsCompleted);
        writing.End();
        await put;

        Assert.Equal([1, 2, 3], await writing.GetAsync("key", Cancellation));

        async Task ReuseAfterwardsAsync()
        {
            Assert.Equal(PutOutcome.Stored, await quorum.PutAsync("key", [bytes], Cancellation));
            bytes.AsSpan().Clear();
        }
    }

    [Fact]
    public async Task A_put_that_only_a_minority_takes_fails_and_may_be_repeated()
    {
        _stores[0].Script = _stores[1].Script = static _ => Task.FromResult(PutFate.FailForNow);

        var error = await Assert.ThrowsAsync<ObjectStoreException>(() => PutAsync("key", "x"));

        Assert.True(error.IsTransient);
        Assert.Contains("2 of 3", error.Message);
        _stores[0].Script = _stores[1].Script = null;
        // The third has it from the first attempt: with this one, all have the same.
        Assert.Equal(PutOutcome.Stored, await PutAsync("key", "x"));
    }

    [Fact]
    public async Task A_put_that_no_store_will_ever_take_says_so()
    {
        foreach (ScriptedObjectStore store in _stores)
            store.Script = static _ => Task.FromResult(PutFate.FailForGood);

        Assert.False((await Assert.ThrowsAsync<ObjectStoreException>(() => PutAsync("key", "x"))).IsTransient);
    }

    [Fact]
    public async Task An_object_that_two_stores_have_lost_is_read_from_the_third()
    {
        await PutAsync("key", "x");
        await _stores[0].DeleteAsync(["key"], Cancellation);
        await _stores[1].DeleteAsync(["key"], Cancellation);

        Assert.Equal("x"u8.ToArray(), await Store.GetAsync("key", Cancellation));
        Assert.Equal(1, await Store.HeadAsync("key", Cancellation));
        Assert.Equal(["key"], await ListAsync("", null));
    }

    [Fact]
    public async Task An_object_is_missing_only_if_a_majority_says_so()
    {
        IObjectStore oneAnswers = Quorum(new DeadObjectStore(), _stores[1], new DeadObjectStore());
        IObjectStore twoAnswer = Quorum(_stores[0], new DeadObjectStore(), _stores[2]);

        var unknown = await Assert.ThrowsAsync<ObjectStoreException>(() => oneAnswers.GetAsync("key", Cancellation));
        Assert.True(unknown.IsTransient);
        await Assert.ThrowsAsync<ObjectStoreException>(() => oneAnswers.HeadAsync("key", Cancellation));

        await Assert.ThrowsAsync<ObjectNotFoundException>(() => twoAnswer.GetAsync("key", Cancellation));
        Assert.Null(await twoAnswer.HeadAsync("key", Cancellation));
    }

    [Fact]
    public async Task A_listing_is_the_union_and_needs_a_majority()
    {
        for (int i = 0; i < 3; i++)
        {
            await _stores[i].AddAsync("all", [new byte[1]]);
            await _stores[i].AddAsync($"only/{2 - i}", [new byte[1]]);
        }

        Assert.Equal(["all", "only/0", "only/1", "only/2"], await ListAsync("", null));
        IObjectStore twoAnswer = Quorum(_stores[0], _stores[1], new DeadObjectStore());
        Assert.Equal(
            ["only/1", "only/2"], await twoAnswer.ListAsync("only", null, Cancellation).Select(info => info.Key).ToListAsync(Cancellation));
        IObjectStore oneAnswers = Quorum(_stores[0], new DeadObjectStore(), new DeadObjectStore());
        await Assert.ThrowsAsync<ObjectStoreException>(
            async () => await oneAnswers.ListAsync("", null, Cancellation).CountAsync(Cancellation));
    }

    [Fact]
    public async Task A_deletion_needs_a_majority_and_reaches_every_store_that_is_there()
    {
        await PutAsync("key", "x");
        await Assert.ThrowsAsync<ObjectStoreException>(
            () => Quorum(_stores[0], new DeadObjectStore(), new DeadObjectStore()).DeleteAsync(["key"], Cancellation));

        await Quorum(new DeadObjectStore(), _stores[1], _stores[2]).DeleteAsync(["key"], Cancellation);

        foreach (ScriptedObjectStore store in _stores)
            Assert.Null(await store.HeadAsync("key", Cancellation));
    }

    [Fact]
    public async Task A_repair_copies_what_a_store_lacks()
    {
        QuorumObjectStore oneAway = Quorum(_stores[0], _stores[1], new DeadObjectStore());
        var big = new byte[20 << 20];
        new Random(5).NextBytes(big);
        await oneAway.PutAsync("l0/small", [new byte[] { 1, 2 }], Cancellation);
        await oneAway.PutAsync("l1/big", [big], Cancellation);
        await _stores[0].DeleteAsync(["l0/small"], Cancellation);
        await Assert.ThrowsAsync<ObjectStoreException>(() => oneAway.RepairAsync("", Cancellation));

        Assert.Equal(new QuorumRepair(2, 3, 0), await Quorum(_stores).RepairAsync("", Cancellation));
        Assert.Equal(new QuorumRepair(2, 0, 0), await Quorum(_stores).RepairAsync("", Cancellation));

        Assert.Equal([1, 2], await _stores[0].GetAsync("l0/small", Cancellation));
        Assert.True((await _stores[2].GetAsync("l1/big", Cancellation)).AsSpan().SequenceEqual(big));
    }

    [Fact]
    public async Task Whose_object_a_majority_has_wins_and_the_other_copy_is_replaced()
    {
        await _stores[0].AddAsync("key", ["theirs"u8.ToArray()]);

        Assert.Equal(PutOutcome.Stored, await PutAsync("key", "mine"));

        Assert.Equal("mine"u8.ToArray(), await _stores[0].GetAsync("key", Cancellation));
    }

    [Fact]
    public async Task Without_a_majority_the_first_store_decides_and_the_others_yield()
    {
        await _stores[0].AddAsync("key", ["theirs"u8.ToArray()]);
        QuorumObjectStore quorum = Quorum(_stores[0], _stores[1], new DeadObjectStore());

        Task<PutOutcome> put = quorum.PutAsync("key", ["mine"u8.ToArray()], Cancellation);
        await _time.AdvanceUntilAsync(put, TimeSpan.FromMilliseconds(10));

        Assert.Equal(PutOutcome.AlreadyExists, await put);
        Assert.Equal("theirs"u8.ToArray(), await _stores[1].GetAsync("key", Cancellation));
    }

    [Fact]
    public async Task Writers_that_died_at_odds_block_a_key_until_the_third_store_is_back()
    {
        await _stores[0].AddAsync("key", ["one"u8.ToArray()]);
        await _stores[1].AddAsync("key", ["two"u8.ToArray()]);

        QuorumObjectStore oneAway = Quorum(_stores[0], _stores[1], new DeadObjectStore());
        Task<PutOutcome> blocked = oneAway.PutAsync("key", ["three"u8.ToArray()], Cancellation);
        var error = await Assert.ThrowsAsync<ObjectStoreException>(() => _time.AdvanceUntilAsync(blocked, TimeSpan.FromMilliseconds(50)));
        Assert.True(error.IsTransient);

        Task<PutOutcome> put = Quorum(_stores).PutAsync("key", ["three"u8.ToArray()], Cancellation);
        await _time.AdvanceUntilAsync(put, TimeSpan.FromMilliseconds(50));
        Assert.Equal(PutOutcome.AlreadyExists, await put);
        foreach (ScriptedObjectStore store in _stores)
            Assert.Equal("one"u8.ToArray(), await store.GetAsync("key", Cancellation));
    }

    [Fact]
    public async Task A_slow_read_goes_to_the_next_store_when_the_budget_allows()
    {
        QuorumObjectStore quorum = Quorum(_stores);
        await PutAsync("key", "x");
        // Twenty reads earn the right to one second request; a few more tell how long a read takes.
        for (int i = 0; i < 64; i++)
            await quorum.GetAsync("key", Cancellation);
        _stores[0].ReadGate = new TaskCompletionSource().Task;

        Task<int> read = quorum.GetRangeAsync("key", 0, new byte[1], Cancellation);
        await _time.AdvanceUntilAsync(read, TimeSpan.FromMilliseconds(1));

        Assert.Equal(1, await read);
    }

    private QuorumObjectStore Quorum(params IObjectStore[] stores) =>
        new(stores, QuorumObjectStore.DefaultGrace, new HedgeBudget(0.05), _time, new Random(1));
}
