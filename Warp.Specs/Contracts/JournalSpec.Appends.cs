using Warp.Actors.Persistence;
using Xunit;

namespace Warp.Specs.Contracts;

public abstract partial class JournalSpec
{
    [Fact]
    public async Task An_actor_without_history_recovers_nothing()
    {
        RecoveredJournal found = await Journal.RecoverAsync("nobody", Cancellation);

        Assert.Null(found.Snapshot);
        Assert.Empty(found.Events);
        Assert.Equal(0, found.LastSequenceNr);
    }

    [Fact]
    public async Task Events_are_recovered_in_order_with_kind_version_and_bytes()
    {
        Fence fence = await TakeAsync(3);
        var large = new byte[1_000_000];
        new Random(1).NextBytes(large);
        EventRecord[] events = [new(1, 0, new byte[] { 1, 2, 3 }), new(65_535, 32_767, ReadOnlyMemory<byte>.Empty), new(2, 1, large)];

        Assert.Equal(
            WriteResult.Written,
            await AppendAsync(new ActorWrite { Fence = fence, PersistenceId = "a", FirstSequenceNr = 1, Events = events }));

        RecoveredJournal found = await Journal.RecoverAsync("a", Cancellation);
        Assert.Equal(3, found.LastSequenceNr);
        Assert.Equal(events.Select(static e => (e.Kind, e.Version)), found.Events.Select(static e => (e.Kind, e.Version)));
        for (int i = 0; i < events.Length; i++)
            Assert.True(events[i].Payload.Span.SequenceEqual(found.Events[i].Payload.Span));
    }

    [Fact]
    public async Task What_was_written_is_there_after_reopening_and_goes_on_from_there()
    {
        Fence fence = await TakeAsync(3);
        await AppendAsync(fence, "a", 1, "one", "two");
        await ReopenAsync();

        await AppendAsync(fence, "a", 3, "three");

        await ReopenAsync();
        Assert.Equal(["one", "two", "three"], await RecoverAsync("a"));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(4)]
    public async Task Events_that_do_not_follow_on_the_last_one_are_refused(long first)
    {
        Fence fence = await TakeAsync(3);
        await AppendAsync(fence, "a", 1, "one", "two");

        AssertRefused(WriteRefusal.SequenceConflict, await AppendAsync(Write(fence, "a", first, "other")));

        Assert.Equal(["one", "two"], await RecoverAsync("a"));
    }

    [Fact]
    public async Task A_refusal_concerns_one_write_alone_and_the_others_of_the_append_are_written()
    {
        Fence old = await TakeAsync(1);
        await TakeAsync(1);
        Fence fence = await TakeAsync(2);

        IReadOnlyList<WriteResult> results = await Journal.AppendAsync(
            [
                Write(fence, "a", 1, "one"),
                Write(old, "fenced", 1, "x"),
                Write(fence, "conflict", 2, "x"),
                Write(fence, "late", 1, "x") with { NotAfter = await Journal.ReadClockAsync(Cancellation) - TimeSpan.FromMilliseconds(1) },
                Write(fence, "b", 1, "two", "three"),
            ],
            Cancellation);

        Assert.All(results, static result => Assert.True(result.Outcome != WriteOutcome.Unknown, result.Detail));
        Assert.Equal(
            [WriteRefusal.None, WriteRefusal.Fenced, WriteRefusal.SequenceConflict, WriteRefusal.TooLate, WriteRefusal.None],
            results.Select(static result => result.Refusal));
        Assert.Equal(["one"], await RecoverAsync("a"));
        Assert.Equal(["two", "three"], await RecoverAsync("b"));
        foreach (string refused in (string[])["fenced", "conflict", "late"])
            Assert.Empty(await RecoverAsync(refused));
    }

    [Fact]
    public async Task Writes_of_one_actor_in_one_append_follow_on_each_other()
    {
        Fence fence = await TakeAsync(3);

        IReadOnlyList<WriteResult> results = await Journal.AppendAsync(
            [Write(fence, "a", 1, "one"), Write(fence, "a", 1, "again"), Write(fence, "a", 2, "two")], Cancellation);

        Assert.Equal(
            [WriteRefusal.None, WriteRefusal.SequenceConflict, WriteRefusal.None], results.Select(static result => result.Refusal));
        Assert.Equal(["one", "two"], await RecoverAsync("a"));
    }

    [Fact]
    public async Task A_thousand_writes_go_in_one_append()
    {
        Fence fence = await TakeAsync(3);

        IReadOnlyList<WriteResult> results = await Journal.AppendAsync(
            [.. Enumerable.Range(0, 1000).Select(i => Write(fence, $"actor-{i % 100}", (i / 100) + 1, $"{i}"))], Cancellation);

        Assert.All(results, static result => Assert.Equal(WriteResult.Written, result));
        Assert.Equal(Enumerable.Range(0, 10).Select(static i => $"{(i * 100) + 7}"), await RecoverAsync("actor-7"));
    }

    [Fact]
    public async Task Of_64_writers_in_one_append_one_is_refused_and_63_are_written()
    {
        IReadOnlyList<Fence> fences = await Journal.TakeOverAsync(Node, [.. Enumerable.Range(0, 64)], _lease, Cancellation);
        ActorWrite[] writes = [.. fences.Select(fence => Write(fence, $"a-{fence.ShardId}", fence.ShardId == 17 ? 2 : 1, "x", "y"))];

        IReadOnlyList<WriteResult> results = await Journal.AppendAsync(writes, Cancellation);

        for (int i = 0; i < 64; i++)
        {
            Assert.Equal(i == 17 ? WriteRefusal.SequenceConflict : WriteRefusal.None, results[i].Refusal);
            Assert.Equal(i == 17 ? 0 : 2, (await Journal.RecoverAsync($"a-{i}", Cancellation)).LastSequenceNr);
        }
    }

    [Fact]
    public async Task The_events_of_an_actor_after_ones_that_were_refused_in_the_same_append_are_refused_too()
    {
        Fence fence = await TakeAsync(3);
        ActorWrite late = Write(fence, "a", 1, "one") with { NotAfter = await Journal.ReadClockAsync(Cancellation) - TimeSpan.FromSeconds(1) };

        IReadOnlyList<WriteResult> results = await Journal.AppendAsync(
            [late, Write(fence, "a", 2, "two"), Write(fence, "b", 1, "one"), Write(fence, "a", 3, "three")], Cancellation);

        Assert.Equal(
            [WriteRefusal.TooLate, WriteRefusal.SequenceConflict, WriteRefusal.None, WriteRefusal.SequenceConflict],
            results.Select(static result => result.Refusal));
        Assert.Empty(await RecoverAsync("a"));
    }

    [Theory]
    [InlineData(1, 2)]
    [InlineData(2, 1)]
    public async Task Of_two_snapshots_of_an_actor_in_one_append_the_higher_one_stays(long first, long second)
    {
        Fence fence = await TakeAsync(3);

        IReadOnlyList<WriteResult> results = await Journal.AppendAsync(
            [
                Write(fence, "a", 1, "one", "two"),
                Write(fence, "a", 3) with { Snapshot = Snapshot(first, $"up to {first}") },
                Write(fence, "a", 3) with { Snapshot = Snapshot(second, $"up to {second}") },
            ],
            Cancellation);

        Assert.All(results, static result => Assert.Equal(WriteResult.Written, result));
        Assert.Equal(["<up to 2>"], await RecoverAsync("a"));
    }

    [Fact]
    public async Task A_write_is_accepted_up_to_its_deadline()
    {
        Fence fence = await TakeAsync(3);
        DateTimeOffset now = await Journal.ReadClockAsync(Cancellation);

        Assert.Equal(WriteResult.Written, await AppendAsync(Write(fence, "a", 1, "one") with { NotAfter = now + TimeSpan.FromMinutes(1) }));
        AssertRefused(
            WriteRefusal.TooLate, await AppendAsync(Write(fence, "a", 2, "two") with { NotAfter = now - TimeSpan.FromMilliseconds(1) }));

        Assert.Equal(["one"], await RecoverAsync("a"));
    }

    [Fact]
    public async Task A_snapshot_stands_for_the_events_up_to_it()
    {
        Fence fence = await TakeAsync(3);
        await AppendAsync(fence, "a", 1, "one", "two", "three");

        Assert.Equal(WriteResult.Written, await AppendAsync(Write(fence, "a", 4) with { Snapshot = Snapshot(2, "up to two") }));

        Assert.Equal(["<up to two>", "three"], await RecoverAsync("a"));
        Assert.Equal(3, (await Journal.RecoverAsync("a", Cancellation)).LastSequenceNr);
    }

    [Fact]
    public async Task A_snapshot_is_replaced_only_by_one_with_a_higher_number()
    {
        Fence fence = await TakeAsync(3);
        await AppendAsync(fence, "a", 1, "one", "two", "three");
        await AppendAsync(Write(fence, "a", 4) with { Snapshot = Snapshot(2, "second") });
        await AppendAsync(Write(fence, "a", 4) with { Snapshot = Snapshot(1, "older") });
        await AppendAsync(Write(fence, "a", 4) with { Snapshot = Snapshot(2, "same number") });
        Assert.Equal(["<second>", "three"], await RecoverAsync("a"));

        await AppendAsync(Write(fence, "a", 4) with { Snapshot = Snapshot(3, "newer") });

        Assert.Equal(["<newer>"], await RecoverAsync("a"));
    }

    [Fact]
    public async Task A_snapshot_under_an_old_epoch_is_refused()
    {
        Fence old = await TakeAsync(3);
        await AppendAsync(old, "a", 1, "one");
        await TakeAsync(3);

        AssertRefused(WriteRefusal.Fenced, await AppendAsync(Write(old, "a", 2) with { Snapshot = Snapshot(1, "stale") }));

        Assert.Equal(["one"], await RecoverAsync("a"));
    }

    [Fact]
    public async Task Events_are_trimmed_only_as_far_as_a_snapshot_covers_them()
    {
        Fence fence = await TakeAsync(3);
        await AppendAsync(fence, "a", 1, "one", "two", "three");
        await Journal.TrimAsync(fence, "a", 3, Cancellation);
        Assert.Equal(["one", "two", "three"], await RecoverAsync("a"));
        await AppendAsync(Write(fence, "a", 4) with { Snapshot = Snapshot(2, "up to two") });

        await Journal.TrimAsync(fence, "a", 3, Cancellation);

        Assert.Equal(["<up to two>", "three"], await RecoverAsync("a"));
        await AssertTrimmedAsync("a", trimmed: ["one", "two"], kept: ["three"]);
    }

    [Fact]
    public async Task A_long_history_is_trimmed_whole()
    {
        Fence fence = await TakeAsync(3);
        await AppendAsync(fence, "a", 1, [.. Enumerable.Range(1, 25_000).Select(static i => $"{i}")]);
        await AppendAsync(Write(fence, "a", 25_001) with { Snapshot = Snapshot(24_999, "nearly all") });

        await Journal.TrimAsync(fence, "a", 24_998, Cancellation);

        await AssertTrimmedAsync("a", trimmed: [.. Enumerable.Range(1, 24_998).Select(static i => $"{i}")], kept: ["24999", "25000"]);
        Assert.Equal(["<nearly all>", "25000"], await RecoverAsync("a"));
    }

    [Fact]
    public async Task Nothing_is_trimmed_under_an_old_epoch()
    {
        Fence old = await TakeAsync(3);
        await AppendAsync(old, "a", 1, "one", "two");
        await AppendAsync(Write(old, "a", 3) with { Snapshot = Snapshot(1, "up to one") });
        await TakeAsync(3);

        await Journal.TrimAsync(old, "a", 1, Cancellation);

        Assert.Equal(["one", "two"], await AllEventsAsync("a"));
    }

    [Fact]
    public async Task Numbers_go_on_after_everything_has_been_trimmed()
    {
        Fence fence = await TakeAsync(3);
        await AppendAsync(fence, "a", 1, "one", "two");
        await AppendAsync(Write(fence, "a", 3) with { Snapshot = Snapshot(2, "up to two") });
        await Journal.TrimAsync(fence, "a", 2, Cancellation);
        await ReopenAsync();

        AssertRefused(WriteRefusal.SequenceConflict, await AppendAsync(Write(fence, "a", 1, "one again")));
        await AppendAsync(fence, "a", 3, "three");

        Assert.Equal(["<up to two>", "three"], await RecoverAsync("a"));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Recovery_stops_at_a_lost_event_with_a_clear_error(long lost)
    {
        Fence fence = await TakeAsync(3);
        await AppendAsync(fence, "actor-a", 1, "one", "two", "three");
        await LoseEventAsync("actor-a", lost);

        JournalException error = await Assert.ThrowsAsync<JournalException>(() => RecoverAsync("actor-a"));

        Assert.Contains($"event {lost} of actor-a", error.Message);
        Assert.Contains("backup", error.Message);
    }

    [Fact]
    public async Task Actors_are_listed_by_the_beginning_of_their_names()
    {
        Fence fence = await TakeAsync(1);
        foreach (string id in (string[])["group-", "group-a", "group-b%", "group-\U0010ffff\u00e4", "groups", "group", "Group-c", "other"])
            await AppendAsync(fence, id, 1, "one", "two");
        Assert.Equal(WriteResult.Written, await AppendAsync(Write(fence, "group-a", 3) with { Snapshot = Snapshot(2, "both") }));
        await Journal.TrimAsync(fence, "group-a", 2, Cancellation);

        Assert.Equal(
            ["group-", "group-a", "group-b%", "group-\U0010ffff\u00e4"],
            (await Journal.ListPersistenceIdsAsync("group-", Cancellation)).Order(StringComparer.Ordinal));
        Assert.Empty(await Journal.ListPersistenceIdsAsync("group_", Cancellation));
    }
}
