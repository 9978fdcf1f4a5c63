using Warp.Specs.Hosting;
using Xunit;

namespace Warp.Specs.Clients.Matrix;

/// <summary>The checks of consumer groups.</summary>
internal static class GroupChecks
{
    private const string AutoCommitted = "auto-commit";
    private const int AutoCommittedCount = 10;

    private static readonly int _rounds = TestRun.IsLong ? 20 : 1;

    public static IReadOnlyList<MatrixCheck> All { get; } =
    [
        new("members join and leave", JoinAndLeaveAsync),
        new("cooperative-sticky assignor", CooperativeAsync),
        new("static members", StaticAsync),
        new("manual commits", ManualCommitAsync),
        new("automatic commits", AutoCommitAsync),
        new("committed offset and lag", LagAsync),
        new("list groups", ListAsync),
        new("describe a group", DescribeAsync),
        new("list the offsets of a group", OffsetsAsync),
        new("set an offset of a group", SetOffsetAsync),
        new("delete an offset of a group", DeleteOffsetAsync),
        new("delete a group", DeleteAsync),
    ];

    /// <summary>The checks that go on, after the node was killed and started again, with what <see cref="All"/> have left.</summary>
    public static IReadOnlyList<MatrixCheck> AfterRestart { get; } =
        [new("committed offsets after kill -9 of the node", CommittedAfterRestartAsync)];

    private static Task JoinAndLeaveAsync(CheckContext context, CancellationToken cancellation) =>
        JoinAndLeaveAsync(context, "shared", "range", cancellation);

    private static Task CooperativeAsync(CheckContext context, CancellationToken cancellation) =>
        JoinAndLeaveAsync(context, "cooperative", "cooperative-sticky", cancellation);

    private static async Task JoinAndLeaveAsync(CheckContext context, string name, string assignor, CancellationToken cancellation)
    {
        var group = await GroupScenario.CreateAsync(context, name, partitions: 4, cancellation);
        await group.ProduceAsync(10);
        await group.StartAsync("member 0", assignor, autoCommit: true);
        await group.AssignedAsync(4);
        for (int round = 1; round <= _rounds; round++)
        {
            await group.StartAsync($"member {round}", assignor, autoCommit: true);
            await group.AssignedAsync(2, 2);
            await group.ProduceAsync(10);
            await group.ConsumedAsync();

            await group.CloseAsync($"member {round - 1}");
            await group.AssignedAsync(4);
            await group.ProduceAsync(10);
            await group.ConsumedAsync();
        }
        await group.CloseAsync($"member {_rounds}");
    }

    private static async Task StaticAsync(CheckContext context, CancellationToken cancellation)
    {
        var group = await GroupScenario.CreateAsync(context, "static", partitions: 4, cancellation);
        await group.StartAsync("first", instance: "one");
        await group.StartAsync("second", instance: "two");
        await group.AssignedAsync(2, 2);
        var first = await group.AssignmentAsync("first");
        var second = await group.AssignmentAsync("second");

        // One that restarts within its session finds its partitions again; the other notices nothing.
        await group.CloseAsync("first");
        await group.StartAsync("first again", instance: "one");
        await group.AssignedAsync(2, 2);
        Assert.Equal(first, await group.AssignmentAsync("first again"));
        Assert.Equal(second, await group.AssignmentAsync("second"));
        await group.ProduceAsync(5);
        await group.ConsumedAsync();
        await group.CloseAsync("first again");
        await group.CloseAsync("second");
    }

    private static async Task ManualCommitAsync(CheckContext context, CancellationToken cancellation)
    {
        var group = await GroupScenario.CreateAsync(context, "manual-commit", partitions: 1, cancellation);
        await group.ProduceAsync(10);
        await group.StartAsync("first");
        await group.ConsumedAsync();
        await group.CommitAsync("first");
        await group.CommittedAsync(10);
        await group.ProduceAsync(5);
        await group.ConsumedAsync();
        await group.CloseAsync("first");
        await group.CommittedAsync(10);

        await group.StartAsync("second");
        await ConsumesAsync(group, "second", first: 10, count: 5);
        await group.CloseAsync("second");
    }

    private static async Task AutoCommitAsync(CheckContext context, CancellationToken cancellation)
    {
        var group = await GroupScenario.CreateAsync(context, AutoCommitted, partitions: 1, cancellation);
        await group.ProduceAsync(AutoCommittedCount);
        await group.StartAsync("first", autoCommit: true);
        await group.ConsumedAsync();
        await group.CommittedAsync(AutoCommittedCount);
        await group.CloseAsync("first");
        await group.CommittedAsync(AutoCommittedCount);
    }

    private static async Task CommittedAfterRestartAsync(CheckContext context, CancellationToken cancellation)
    {
        var group = GroupScenario.Continue(context, AutoCommitted, AutoCommittedCount, cancellation);
        await group.CommittedAsync(AutoCommittedCount);
        await group.ProduceAsync(5);
        await group.StartAsync("after the restart");
        await ConsumesAsync(group, "after the restart", AutoCommittedCount, count: 5);
        await group.CloseAsync("after the restart");
    }

    private static async Task LagAsync(CheckContext context, CancellationToken cancellation)
    {
        string group = await PrepareGroupAsync(context, "lag", cancellation);
        long? committed = await context.Driver.CommittedAsync(group, group, 0, cancellation);
        long high = (await context.Driver.WatermarksAsync(group, 0, cancellation)).High;
        Assert.Equal(7, committed);
        Assert.Equal(3, high - committed);
    }

    private static async Task ListAsync(CheckContext context, CancellationToken cancellation)
    {
        string group = await PrepareGroupAsync(context, "listed-group", cancellation);
        Assert.Single(await context.Driver.ListGroupsAsync(cancellation), group);
    }

    private static async Task DescribeAsync(CheckContext context, CancellationToken cancellation)
    {
        string group = await PrepareGroupAsync(context, "described-group", cancellation);
        var empty = await context.Driver.DescribeGroupAsync(group, cancellation);
        Assert.Equal("Empty", empty.State);
        Assert.Equal(0, empty.Members);

        await context.Reference.StartMemberAsync(new(group, group, group), cancellation);
        while ((await context.Reference.MemberStateAsync(group, cancellation)).Assignment is [])
            await Task.Delay(20, cancellation);
        Assert.Equal(new("Stable", "range", 1), await context.Driver.DescribeGroupAsync(group, cancellation));
        await context.Reference.CloseMemberAsync(group, cancellation);
    }

    private static async Task OffsetsAsync(CheckContext context, CancellationToken cancellation)
    {
        string group = await PrepareGroupAsync(context, "group-offsets", cancellation);
        Assert.Equal(new Dictionary<int, long> { [0] = 7 }, await context.Driver.GroupOffsetsAsync(group, group, cancellation));
    }

    private static async Task SetOffsetAsync(CheckContext context, CancellationToken cancellation)
    {
        string group = await PrepareGroupAsync(context, "set-offset", cancellation);
        await context.Driver.SetGroupOffsetAsync(group, group, 0, 3, cancellation);
        Assert.Equal(3, await context.Reference.CommittedAsync(group, group, 0, cancellation));
    }

    private static async Task DeleteOffsetAsync(CheckContext context, CancellationToken cancellation)
    {
        string group = await PrepareGroupAsync(context, "deleted-offset", cancellation);
        await context.Driver.DeleteGroupOffsetAsync(group, group, 0, cancellation);
        Assert.Null(await context.Reference.CommittedAsync(group, group, 0, cancellation));
    }

    private static async Task DeleteAsync(CheckContext context, CancellationToken cancellation)
    {
        string group = await PrepareGroupAsync(context, "deleted-group", cancellation);
        await context.Driver.DeleteGroupAsync(group, cancellation);
        Assert.DoesNotContain(group, await context.Reference.ListGroupsAsync(cancellation));
        Assert.Null(await context.Reference.CommittedAsync(group, group, 0, cancellation));
    }

    /// <summary>An empty group that has consumed and committed 7 of the 10 records of the topic of the same name.</summary>
    private static async Task<string> PrepareGroupAsync(CheckContext context, string name, CancellationToken cancellation)
    {
        string topic = await context.PrepareRecordsAsync(name, 10, DateTimeOffset.UtcNow.ToUnixTimeMilliseconds(), cancellation);
        await context.Reference.CommitAsync(topic, topic, 0, 7);
        return topic;
    }

    private static async Task ConsumesAsync(GroupScenario group, string member, long first, int count) => Assert.Equal(
        Enumerable.Range(0, count).Select(n => new ConsumedPosition(0, first + n)), await group.ConsumedByAsync(member, count));
}
