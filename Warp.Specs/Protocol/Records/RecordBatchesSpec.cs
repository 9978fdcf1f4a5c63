using Warp.Protocol.Records;
using Xunit;

namespace Warp.Specs.Protocol.Records;

public sealed class RecordBatchesSpec
{
    private static byte[] Batch(int records)
    {
        var builder = new RecordBatchBuilder();
        for (int i = 0; i < records; i++)
            builder.Append(i, null, [1, 2, 3]);
        return builder.Build();
    }

    [Fact]
    public void The_batches_come_one_by_one_and_whole()
    {
        byte[] first = Batch(1), second = Batch(3), third = Batch(2);

        List<RecordBatch> found = [.. RecordBatches.Enumerate((byte[])[.. first, .. second, .. third])];

        Assert.Equal([1, 3, 2], found.Select(batch => batch.Header.RecordsCount));
        Assert.Equal(first, found[0].Bytes.ToArray());
        Assert.Equal(second, found[1].Bytes.ToArray());
        Assert.Equal(third, found[2].Bytes.ToArray());
    }

    [Fact]
    public void Nothing_holds_no_batches() => Assert.Empty(RecordBatches.Enumerate(default));

    [Fact]
    public void A_cut_last_batch_is_refused_after_the_whole_ones()
    {
        byte[] bytes = [.. Batch(1), .. Batch(2)[..^1]];
        using IEnumerator<RecordBatch> batches = RecordBatches.Enumerate(bytes).GetEnumerator();

        Assert.True(batches.MoveNext());
        Assert.Throws<CorruptRecordException>(() => batches.MoveNext());
    }
}
