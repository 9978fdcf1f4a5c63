using Warp.Protocol.Records;
using Xunit;

namespace Warp.Specs.Protocol.Records;

public sealed class RecordBatchBuilderSpec
{
    [Fact]
    public void The_bytes_are_those_of_the_format()
    {
        byte[] batch = new RecordBatchBuilder { ProducerId = 258, ProducerEpoch = 3, BaseSequence = 4, IsTransactional = true }
            .Append(1_000, "k"u8.ToArray(), "vv"u8.ToArray(), new KeyValuePair<string, byte[]?>("h", null))
            .Append(1_100, null, null)
            .Build();

        Assert.Equal(
            "0000000000000000" + "00000046" + "FFFFFFFF" + "02" + "CRC-----" + "0010" + "00000001"
            + "00000000000003E8" + "000000000000044C" + "0000000000000102" + "0003" + "00000004" + "00000002"
            + "18" + "00" + "00" + "00" + "02" + "6B" + "04" + "7676" + "02" + "02" + "68" + "01"
            + "0E" + "00" + "C801" + "02" + "01" + "01" + "00",
            Convert.ToHexString(batch[..17]) + "CRC-----" + Convert.ToHexString(batch[21..]));
    }

    [Fact]
    public void A_batch_can_be_built_again_with_more_records()
    {
        RecordBatchBuilder builder = new RecordBatchBuilder().Append(1, null, [1]);
        byte[] one = builder.Build();
        byte[] two = builder.Append(2, null, [2]).Build();

        BatchRules rules = new() { MaxMessageBytes = 1_000 };
        Assert.Equal(BatchDefect.None, RecordBatchValidator.Validate(one, rules, out RecordBatchHeader first));
        Assert.Equal(BatchDefect.None, RecordBatchValidator.Validate(two, rules, out RecordBatchHeader second));
        Assert.Equal((1, 2), (first.RecordsCount, second.RecordsCount));
    }

    [Fact]
    public void There_is_no_batch_without_records() => Assert.Throws<InvalidOperationException>(() => new RecordBatchBuilder().Build());
}
