using Warp.Actors.Sequencing;
using Xunit;

namespace Warp.Specs.Actors.Sequencing;

public sealed class ObjectIdSpec
{
    [Fact]
    public void Text_bytes_and_number_are_the_same_id()
    {
        var random = new Random(1);
        for (int i = 0; i < 1000; i++)
        {
            var id = ObjectId.Mint(DateTimeOffset.FromUnixTimeMilliseconds(random.NextInt64(1L << 47)), random);

            Assert.Equal(id, ObjectId.FromBytes(id.ToByteArray()));
            Assert.Equal(ObjectId.TextLength, id.ToString().Length);
            Assert.True(ObjectId.TryParse(id.ToString(), out ObjectId upper));
            Assert.True(ObjectId.TryParse(id.ToString().ToLowerInvariant(), out ObjectId lower));
            Assert.Equal((id, id), (upper, lower));
        }
    }

    [Fact]
    public void An_id_knows_its_time_to_the_millisecond()
    {
        var time = new DateTimeOffset(2026, 11, 22, 7, 8, 9, 123, TimeSpan.Zero);

        Assert.Equal(time, ObjectId.Mint(time + TimeSpan.FromTicks(9999), new Random(1)).Time);
    }

    [Fact]
    public void Ids_sort_by_time_as_numbers_and_as_text()
    {
        var random = new Random(1);
        ObjectId[] ids =
        [
            .. Enumerable.Range(0, 200).Select(
                i => ObjectId.Mint(DateTimeOffset.FromUnixTimeMilliseconds(1_790_000_000_000 + (i * 977)), random)),
        ];

        Assert.Equal(ids, ids.OrderBy(static id => id));
        Assert.Equal(ids, ids.OrderBy(static id => id.ToString(), StringComparer.Ordinal));
        Assert.True(ids[0] < ids[1] && ids[1] > ids[0] && ids[0] <= ids[1] && ids[1] >= ids[0]);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("01K9KZ3M0000000000000000")]
    [InlineData("01K9KZ3M00000000000000002AA")]
    [InlineData("81K9KZ3M00000000000000002A")]
    [InlineData("01K9KZ3M0000000000000000IL")]
    [InlineData("01K9KZ3M00000000-000000002")]
    public void What_is_no_id_is_not_read_as_one(string? text) => Assert.False(ObjectId.TryParse(text, out _));
}
