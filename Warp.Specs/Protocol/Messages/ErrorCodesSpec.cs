using Warp.Protocol.Messages;
using Xunit;

namespace Warp.Specs.Protocol.Messages;

public sealed class ErrorCodesSpec
{
    [Fact]
    public void The_table_has_a_row_for_every_code_in_order()
    {
        Assert.Equal(Enum.GetValues<ErrorCode>().Order(), ErrorCodes.All.Select(info => info.Code));
        Assert.Equal(Enumerable.Range(-1, 135), ErrorCodes.All.Select(info => (int)info.Code));
        Assert.All(ErrorCodes.All, info => Assert.Same(info, ErrorCodes.Get(info.Code)));
    }

    [Theory]
    [InlineData(-1, "UNKNOWN_SERVER_ERROR", false)]
    [InlineData(0, "NONE", false)]
    [InlineData(1, "OFFSET_OUT_OF_RANGE", false)]
    [InlineData(3, "UNKNOWN_TOPIC_OR_PARTITION", true)]
    [InlineData(6, "NOT_LEADER_OR_FOLLOWER", true)]
    [InlineData(16, "NOT_COORDINATOR", true)]
    [InlineData(17, "INVALID_TOPIC_EXCEPTION", false)]
    [InlineData(35, "UNSUPPORTED_VERSION", false)]
    [InlineData(42, "INVALID_REQUEST", false)]
    [InlineData(45, "OUT_OF_ORDER_SEQUENCE_NUMBER", false)]
    [InlineData(47, "INVALID_PRODUCER_EPOCH", false)]
    [InlineData(51, "CONCURRENT_TRANSACTIONS", true)]
    [InlineData(56, "KAFKA_STORAGE_ERROR", true)]
    [InlineData(79, "MEMBER_ID_REQUIRED", false)]
    [InlineData(87, "INVALID_RECORD", false)]
    [InlineData(90, "PRODUCER_FENCED", false)]
    [InlineData(100, "UNKNOWN_TOPIC_ID", true)]
    [InlineData(120, "TRANSACTION_ABORTABLE", false)]
    [InlineData(133, "SHARE_SESSION_LIMIT_REACHED", true)]
    public void Numbers_names_and_retriability_are_Kafkas(short code, string name, bool retriable)
    {
        var info = ErrorCodes.Get((ErrorCode)code);
        Assert.Equal(name, info.Name);
        Assert.Equal(retriable, ((ErrorCode)code).IsRetriable());
        Assert.Equal(name.Replace("_", "", StringComparison.Ordinal), info.Code.ToString().ToUpperInvariant());
        Assert.NotEmpty(((ErrorCode)code).Text());
    }

    [Fact]
    public void A_code_without_a_name_counts_as_an_unknown_error()
    {
        Assert.Equal(ErrorCode.UnknownServerError, ErrorCodes.Get((ErrorCode)9999).Code);
        Assert.Equal(ErrorCode.UnknownServerError, ErrorCodes.Get((ErrorCode)(-2)).Code);
        Assert.Equal(ErrorCode.UnknownServerError, ErrorCodes.Get((ErrorCode)short.MaxValue).Code);
    }
}
