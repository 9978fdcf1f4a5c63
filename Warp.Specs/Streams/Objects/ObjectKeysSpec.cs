using Warp.Actors.Sequencing;
using Warp.Streams.Objects;
using Xunit;

namespace Warp.Specs.Streams.Objects;

public sealed class ObjectKeysSpec
{
    private static readonly ObjectId Id = new(((UInt128)0x0199_0000_0000 << 80) | 0xAB);

    [Theory]
    [InlineData("", "")]
    [InlineData("team-a", "team-a/")]
    [InlineData("team-a/warp/", "team-a/warp/")]
    public void Keys_begin_with_the_prefix_and_are_valid(string prefix, string start)
    {
        var keys = new ObjectKeys(prefix);
        Assert.Equal($"{start}l0/ab/{Id}", keys.Object(0, Id));
        Assert.Equal($"{start}l0/", keys.LevelPrefix(0));
        Assert.Equal($"{start}warp/cluster", keys.Identity);
        Assert.Equal($"{start}warp/lineage/00000000000000000042", keys.Lineage(42));
        foreach (string key in new[] { keys.Object(0, Id), keys.Object(2, Id), keys.Identity, keys.Lineage(long.MaxValue) })
            ObjectKeys.Validate(key);
    }

    [Fact]
    public void Object_keys_are_read_back_and_others_are_not_taken_for_them()
    {
        var keys = new ObjectKeys("p");
        Assert.True(keys.TryParseObject(keys.Object(2, Id), out int level, out ObjectId id));
        Assert.Equal((2, Id), (level, id));

        string[] others =
        [
            "", "p", "p/", "p/l", "p/l0", "p/l0/", $"p/l0/{Id}", $"p/l0/ac/{Id}", $"p/l0/AB/{Id}", $"l0/ab/{Id}", $"q/l0/ab/{Id}",
            $"p/lx/ab/{Id}", $"p/l0/ab/{Id}x", $"p/l0/ab/x/{Id}", $"p/l0/ab/{Id.ToString().ToLowerInvariant()}", keys.Identity,
        ];
        Assert.All(others, key => Assert.False(keys.TryParseObject(key, out _, out _), key));
    }

    [Fact]
    public void Lineage_marks_are_read_back_and_sort_by_number()
    {
        var keys = new ObjectKeys("p");
        Assert.True(keys.TryParseLineage(keys.Lineage(7), out long number));
        Assert.Equal(7, number);
        Assert.True(string.CompareOrdinal(keys.Lineage(99), keys.Lineage(100)) < 0);
        Assert.All(
            new[] { "p/warp/lineage/", "p/warp/lineage/7", "p/warp/lineage/-0000000000000000007", keys.Identity },
            key => Assert.False(keys.TryParseLineage(key, out _)));
    }

    [Fact]
    public void Keys_and_segments_have_a_longest_length()
    {
        ObjectKeys.Validate(new string('a', 255));
        ObjectKeys.Validate(new string('a', 255) + "/" + new string('a', 255));
        Assert.Throws<ArgumentException>(() => ObjectKeys.Validate(new string('a', 256)));
        Assert.Throws<ArgumentException>(() => ObjectKeys.Validate(string.Join('/', Enumerable.Repeat("abc", 129))));
        Assert.Throws<ArgumentException>(() => new ObjectKeys("../up"));
    }
}
