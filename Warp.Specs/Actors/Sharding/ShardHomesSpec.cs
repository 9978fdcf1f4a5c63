using Warp.Actors.Persistence;
using Warp.Actors.Sharding;
using Xunit;

namespace Warp.Specs.Actors.Sharding;

public sealed class ShardHomesSpec
{
    private static readonly NodeIncarnation s_one = new(1, 1);
    private static readonly NodeIncarnation s_two = new(2, 1);

    private readonly ShardHomes _homes = new();

    [Fact]
    public void Of_two_answers_the_one_with_the_higher_epoch_counts()
    {
        Update(new ShardHome(5, s_one));
        Update(new ShardHome(4, s_two));
        Assert.Equal(new ShardHome(5, s_one), _homes[0]);
        Update(new ShardHome(5, null));
        Assert.Equal(new ShardHome(5, null), _homes[0]);
        Update(new ShardHome(6, s_two));
        Assert.Equal(new ShardHome(6, s_two), _homes[0]);
    }

    [Fact]
    public async Task Whoever_needs_an_owner_waits_until_there_is_one()
    {
        Task<ShardHome> waiting = _homes.WaitForOwnerAsync(0, TestContext.Current.CancellationToken);
        Update(new ShardHome(1, null));
        Assert.False(waiting.IsCompleted);
        Update(new ShardHome(2, s_one));
        Assert.Equal(new ShardHome(2, s_one), await waiting);
    }

    [Fact]
    public async Task A_home_that_was_wrong_is_not_tried_again_until_it_has_changed_or_was_confirmed()
    {
        Update(new ShardHome(1, s_one));
        _homes.Doubt(0, _homes[0]);
        Assert.Null(_homes[0].Owner);
        Task<ShardHome> waiting = _homes.WaitForOwnerAsync(0, TestContext.Current.CancellationToken);
        Update(new ShardHome(1, s_one));
        Assert.False(waiting.IsCompleted);
        _homes.Confirm();
        Assert.Equal(s_one, (await waiting).Owner);
        _homes.Doubt(0, new ShardHome(1, s_one));
        Update(new ShardHome(2, s_two));
        Assert.Equal(s_two, _homes[0].Owner);
    }

    private void Update(ShardHome home) => _homes.Update([KeyValuePair.Create(0, home)]);
}
